// The list of codes, each with its fields.
#include "phy/code/channel_code.h"

#include "phy/code/code_rate.h"

namespace semwave {

void add_bch_code(ChannelCodeRegistry& codes);  // bch_code.cpp

namespace {

std::vector<Field> ldpc_fields() {
  return {rate_field("1/2, 2/3, 3/4 or 5/6"),
          {.name = "length",
           .type = FieldType::integer,
           .summary = "coded bits of a code block: 648, 1296 or 1944; 0: what needs fewest",
           .fallback = Json(0),
           .minimum = 0,
           .maximum = 1944},
          {.name = "file",
           .type = FieldType::string,
           .summary = "a code in MacKay's alist format instead; empty: none",
           .fallback = Json("")}};
}

}  // namespace

ChannelCodeRegistry& channel_codes() {
  static ChannelCodeRegistry registry = [] {
    ChannelCodeRegistry all("channel code");
    all.add("auto",
            {.summary = "ldpc at its rates from 648 coded bits on, else polar",
             .fields = {rate_field("information bits and CRC over coded bits")}},
            [](const Json& from) { return automatic_code(read_rate(from.at("rate"))); });
    all.add("none", {.summary = "bits as they are"}, [](const Json&) { return no_code(); });
    all.add("convolutional",
            {.summary = "K = 7, generators 133 and 171, soft Viterbi decoding",
             .fields = {rate_field("1/2, before the tail")}},
            [](const Json& from) {
              if (read_rate(from.at("rate")) != 0.5)
                throw PartError("/rate", "the convolutional code has rate 0.5, found " +
                                             canonical(from.at("rate")));
              return convolutional_code();
            });
    all.add("ldpc", {.summary = "of 802.11n, or of a file", .fields = ldpc_fields()},
            [](const Json& from) {
              const std::string file = from.value("file", "");
              return file.empty() ? ldpc_code(read_rate(from.at("rate")), from.at("length"))
                                  : ldpc_code_of_file(file);
            });
    all.add("nr-ldpc",
            {.summary = "of 5G NR, TS 38.212: any length, both base graphs",
             .fields = {rate_field("information bits and CRC over coded bits, 1/64 to 0.95")}},
            [](const Json& from) { return nr_ldpc_code(read_rate(from.at("rate"))); });
    all.add("polar",
            {.summary = "as 38.212 matches them, any length; CRC-aided list decoding",
             .fields = {rate_field("information bits and CRC over coded bits, 1/64 to 0.95")}},
            [](const Json& from) { return polar_code(read_rate(from.at("rate"))); });
    add_bch_code(all);
    return all;
  }();
  return registry;
}

Crc block_crc(const ChannelCode& settled, bool check) {
  const Crc own = settled.own_crc();
  return own.bits > 0 ? own : check ? settled.check_crc() : no_crc;
}

std::int64_t coded_bits_on(const ChannelCode& settled, std::int64_t message, int width) {
  const std::int64_t coded = settled.coded_bits(message);
  return settled.whole_symbols() ? (coded + width - 1) / width * width : coded;
}

}  // namespace semwave
