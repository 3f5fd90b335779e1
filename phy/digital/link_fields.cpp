#include "phy/digital/link_fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/error.h"
#include "phy/code/code_rate.h"
#include "phy/code/polar/polar_code.h"

namespace semwave {
namespace {

constexpr std::array<std::pair<const char*, LdpcAlgorithm>, 3> algorithms = {
    {{"min_sum", LdpcAlgorithm::min_sum},
     {"min_sum_fixed", LdpcAlgorithm::min_sum_fixed},
     {"sum_product", LdpcAlgorithm::sum_product}}};
template <class Table>
auto named(const Table& table, const std::string& name) {
  for (const auto& [known, value] : table)
    if (name == known) return value;
  return table[0].second;  // the fields let no other name through
}

template <class Table>
std::vector<std::string> names(const Table& table) {
  std::vector<std::string> made;
  made.reserve(std::size(table));
  for (const auto& [name, value] : table) made.emplace_back(name);
  return made;
}

std::shared_ptr<const Fields> shared(Fields fields) {
  return std::make_shared<const Fields>(std::move(fields));
}

/// A key that names an entry by a word alone or, with fields of its own, as an object. The pages of
/// the scenario have a section for each entry where `documented` says so.
template <class Made>
Field named_entry(const Registry<Made>& registry, const std::string& key,
                  const std::string& summary, const char* usual, bool documented) {
  Field made{.name = key,
             .type = FieldType::choice,
             .summary = summary,
             .fallback = Json(usual),
             .alternatives = {registry.field(documented ? key : "")}};
  for (const auto& [name, about] : registry.list()) made.choices.push_back(name);
  return made;
}

/// Fields of a code that stand beside its name.
constexpr std::array<const char*, 3> beside = {"rate", "length", "file"};

/// What the factory of a code that is named by a word reads: of the keys beside the word those that
/// are fields of that code, and its defaults.
Json fields_of_code(const Json& value, const Place& place) {
  const Json& word = value.at("code");
  Json code{{"kind", word}};
  for (const auto& [name, fields] : channel_codes().field("code").kinds) {
    if (name != word) continue;
    for (const Field& field : fields->fields)
      if (std::find(beside.begin(), beside.end(), field.name) != beside.end())
        code[field.name] = value.at(field.name);
  }
  if (!value.at("file").get_ref<const std::string&>().empty() && !code.contains("file"))
    throw Error((place / "code").str(), "a file names an LDPC code");
  return resolve(code, channel_codes().field("code"), place / "code");
}

}  // namespace

std::vector<Field> coding_fields() {
  return {named_entry(channel_codes(), "code",
                      "ldpc: of 802.11n, or of `file`; nr-ldpc: of 5G NR, any length; polar: any "
                      "length, CRC-aided list decoding; "
                      "convolutional: K = 7, rate 1/2; auto: ldpc at its rates from 648 coded bits "
                      "on, else polar; an object names a code with fields of its own",
                      "auto", true),
          rate_field("information bits and CRC over coded bits; ldpc: 1/2, 2/3, 3/4, 5/6; nr-ldpc "
                     "and polar: any"),
          {.name = "length",
           .type = FieldType::integer,
           .summary = "coded bits of an ldpc code block: 648, 1296 or 1944; 0: what needs fewest",
           .fallback = Json(0),
           .minimum = 0,
           .maximum = 1944},
          {.name = "file",
           .type = FieldType::string,
           .summary = "an ldpc code in MacKay's alist format instead; empty: none",
           .fallback = Json("")},
          named_entry(modulations(), "modulation", "Gray-mapped, TS 38.211; 4-qam is qpsk", "qpsk",
                      false)};
}

ModulationCoding read_coding(const Json& value, const Place& place, bool check) {
  const Json &code = value.at("code"), &modulation = value.at("modulation");
  ModulationCoding made{
      .code = code.is_string() ? channel_codes().make(fields_of_code(value, place), place)
                               : channel_codes().make(code, place / "code"),
      .modulation = modulations().make(
          resolve(modulation, modulations().field("modulation"), place / "modulation"),
          place / "modulation"),
      .check = check};
  try {
    check_modulation_coding(made);
  } catch (const PartError& problem) {
    throw Error(Place{place.file, place.pointer + problem.below()}.str(), problem.message());
  }
  return made;
}

Field coding_list_field() {
  return {.name = "codings",
          .type = FieldType::choice,
          .summary =
              "what a coding is chosen from: polar codes and LDPC of 802.11n (mixed), or LDPC "
              "of 5G NR as TS 38.214 lists it up to 64-QAM or up to 256-QAM; default: mixed",
          .optional = true,
          .choices = {coding_list_names.begin(), coding_list_names.end()}};
}

CodingList read_coding_list(const Json& value) {
  const std::string name = value.value("codings", coding_list_names.front());
  const auto found = std::find(coding_list_names.begin(), coding_list_names.end(), name);
  return static_cast<CodingList>(found - coding_list_names.begin());
}

std::vector<Field> decoding_fields() {
  Field decoder{.name = "decoder",
                .type = FieldType::object,
                .summary = "of the channel code",
                .fallback = Json::object()};
  decoder.object = shared(
      {.summary = "of the channel code",
       .fields = {
           {.name = "algorithm",
            .type = FieldType::choice,
            .summary =
                "of ldpc and nr-ldpc: layered min-sum in float or 8 bits, or sum-product in double",
            .fallback = Json("min_sum"),
            .choices = names(algorithms)},
           {.name = "iterations",
            .type = FieldType::integer,
            .summary = "of ldpc and nr-ldpc, at most",
            .fallback = Json(50),
            .minimum = 1,
            .maximum = 1000},
           {.name = "early_stop",
            .type = FieldType::boolean,
            .summary = "of ldpc and nr-ldpc: as soon as every check is satisfied",
            .fallback = Json(true)},
           {.name = "list",
            .type = FieldType::integer,
            .summary = "paths of polar decoding",
            .fallback = Json(8),
            .minimum = 1,
            .maximum = polar_largest_list}}});
  return {{.name = "soft_bits",
           .type = FieldType::choice,
           .summary = "likelihood ratios of the constellation's bits",
           .fallback = Json("max_log"),
           .choices = {"max_log", "exact"}},
          {.name = "interleaver",
           .type = FieldType::boolean,
           .summary = "over the whole block",
           .fallback = Json(true)},
          decoder};
}

TransportDecoding read_decoding(const Json& value) {
  const Json& decoder = value.at("decoder");
  TransportDecoding made;
  made.exact = value.at("soft_bits") == "exact";
  made.interleave = value.at("interleaver");
  made.decoder.ldpc = {named(algorithms, decoder.at("algorithm")), decoder.at("iterations"),
                       decoder.at("early_stop")};
  made.decoder.list = decoder.at("list");
  return made;
}

Field digital_link_field() {
  Field coding{.name = "coding",
               .type = FieldType::variant,
               .summary = "constellation and channel code",
               .fallback = Json("auto")};
  coding.kinds = {
      {"auto", shared({.summary = "fewest uses with this predicted loss at the believed SNR; the "
                                  "choice costs 6 bits of the header",
                       .fields = {{.name = "loss",
                                   .type = FieldType::number,
                                   .summary = "largest predicted loss of an image's block",
                                   .fallback = Json(largest_transport_loss),
                                   .minimum = 1e-6,
                                   .maximum = 0.5},
                                  coding_list_field()}})},
      {"fixed", shared({.summary = "agreed beforehand", .fields = coding_fields()})}};
  std::vector<Field> digital{{.name = "bits_per_value",
                              .type = FieldType::integer,
                              .summary = "of each real of a token's features, 2 a symbol",
                              .fallback = Json(4),
                              .minimum = 1,
                              .maximum = largest_quantiser_bits},
                             {.name = "range",
                              .type = FieldType::number,
                              .summary = "features of unit power are quantised uniformly over "
                                         "+-range; default: what errs least on normal ones",
                              .optional = true,
                              .minimum = 1e-3,
                              .maximum = 1e3},
                             coding};
  for (Field& field : decoding_fields()) digital.push_back(std::move(field));
  Field link{.name = "link",
             .type = FieldType::variant,
             .summary = "how features go on air",
             .fallback = Json("analogue")};
  link.kinds = {
      {"analogue", shared({.summary = "as amplitudes of I/Q symbols"})},
      {"digital",
       shared({.summary =
                   "quantised, as bits through a channel code; a lost code block loses its tokens",
               .fields = std::move(digital)})}};
  return link;
}

std::shared_ptr<const DigitalLink> read_digital_link(const Json& value, const Place& place) {
  if (value.at("kind") == "analogue") return nullptr;
  const int bits = value.at("bits_per_value");
  DigitalSettings settings{.quantiser = value.contains("range")
                                            ? Quantiser(bits, value.at("range").get<double>())
                                            : Quantiser(bits),
                           .decoding = read_decoding(value)};
  const Json& coding = value.at("coding");
  if (coding.at("kind") == "auto") {
    settings.largest_loss = coding.at("loss");
    settings.codings = read_coding_list(coding);
  } else {
    settings.coding = read_coding(coding, place / "coding", true);
  }
  return std::make_shared<const DigitalLink>(std::move(settings));
}

}  // namespace semwave
