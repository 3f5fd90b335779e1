#include "node/wire/halves.h"

#include <cmath>

#include "node/wire/body.h"

namespace semwave {

// A field that a half gains has to travel: here, and in docs/wire_format.md.
static_assert(sizeof(SentHalf) == 64 && sizeof(HeardHalf) == 128, "let the new field travel");

void write_sent(ByteWriter& writer, const SentHalf& sent) {
  for (const std::int32_t value :
       {sent.label, sent.plan_depth, sent.exit_depth, sent.symbols_per_token, sent.tokens})
    writer.number(value);
  for (const std::int32_t note : sent.notes) writer.number(note);
  for (const double value : {sent.keep_ratio, sent.believed_snr_db}) writer.number(value);
  writer.number(static_cast<std::uint8_t>(sent.answered));
}

// Whether a value fits the scenario, Station::fault_of says.
SentHalf read_sent(ByteReader& reader) {
  SentHalf sent;
  for (std::int32_t* value :
       {&sent.label, &sent.plan_depth, &sent.exit_depth, &sent.symbols_per_token, &sent.tokens}) {
    *value = reader.number<std::int32_t>();
    range(reader, *value, -1, 1 << 24);
  }
  for (std::int32_t& note : sent.notes) {
    note = reader.number<std::int32_t>();
    range(reader, note, -1, 1 << 28);
  }
  for (double* value : {&sent.keep_ratio, &sent.believed_snr_db})
    *value = finite(reader, -1e6, 1e9);
  sent.answered = flag(reader);
  return sent;
}

void write_heard(ByteWriter& writer, const HeardHalf& heard) {
  writer.number(heard.decision);
  writer.number(static_cast<std::uint8_t>(heard.header_lost));
  writer.number(static_cast<std::uint8_t>(heard.block_lost));
  writer.number(heard.tokens_lost);
  writer.number(heard.gain);
  write_ledger(writer, heard.uses);
  // Behind the last score that there is none need be said.
  std::size_t count = heard.scores.size();
  while (count > 0 && std::isnan(heard.scores[count - 1])) --count;
  writer.number(static_cast<std::uint8_t>(count));
  for (std::size_t s = 0; s < count; ++s) writer.number(heard.scores[s]);
}

HeardHalf read_heard(ByteReader& reader) {
  HeardHalf heard;
  heard.decision = reader.number<std::int32_t>();
  range(reader, heard.decision, -1, 1 << 24);
  heard.header_lost = flag(reader);
  heard.block_lost = flag(reader);
  heard.tokens_lost = reader.number<std::int32_t>();
  range(reader, heard.tokens_lost, 0, 1 << 20);
  heard.gain = finite(reader, 0, 1e9);
  heard.uses = read_ledger(reader);
  const std::size_t count = reader.number<std::uint8_t>();
  range<std::size_t>(reader, count, 0, heard.scores.size());
  for (std::size_t s = 0; s < count && !reader.failed(); ++s) heard.scores[s] = score(reader);
  if (count > 0 && !reader.failed() && std::isnan(heard.scores[count - 1])) reader.fail();
  return heard;
}

}  // namespace semwave
