#include "node/receiver/intake.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "node/net/unguessable.h"
#include "node/record/measured_snr.h"

namespace semwave {
namespace {

// Memory in bytes, as the allocator takes it, rather too much than too little.
constexpr std::size_t recorded_bytes = 64;      // an image's number in a set
constexpr std::size_t answer_node_bytes = 112;  // an open answer beside its frame
constexpr std::size_t past_bytes = 192;         // an identity
constexpr std::size_t record_bytes =
    sizeof(Record) + sizeof(ImageRecord) + 96;  // an image while rows are made of it
constexpr std::size_t least_bytes = 4u << 20;
constexpr std::size_t most_unread = 1u << 18;  // of answers that a peer does not read

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t whole = 0, resident = 0;
  file >> whole >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

NodeId fresh_identity() {
  NodeId id;
  fill_random(id.data(), id.size());
  return id;
}

std::string name_of(const Record& record) {
  return "image " + std::to_string(record.image.image) + " of point " +
         std::to_string(record.point) + " of " + hexadecimal(record.node).substr(0, 8);
}

}  // namespace

Intake::Intake(const Station& station, ThreadPool& pool, const ServerOptions& options,
               ServerSummary& summary)
    : station_(station),
      pool_(pool),
      options_(options),
      hearing_(station, options.shard),
      monitor_(station.scenario().name, station.model(0).architecture.transmitter_blocks,
               station.model(0).architecture.experts, station.model(0).architecture.grid(),
               station.class_names()),
      words_(options.log),
      summary_(summary) {
  // Of the limit the program itself and a burst that is being read have their part, of the rest the
  // allocator and the pool a quarter. A program that is large already (a graphics processor's is)
  // leaves its peers a quarter all the same.
  const std::size_t own = resident_bytes() + 16 * options_.largest_burst;
  const std::size_t rest = options_.memory_bytes > own ? options_.memory_bytes - own : 0;
  most_ = std::max({least_bytes, options_.memory_bytes / 4, rest / 4 * 3});
  most_images_ = static_cast<std::int64_t>(most_ / record_bytes);
  for (std::size_t point = 0; point < station_.points().size(); ++point)
    most_symbols_ = std::max(most_symbols_, static_cast<std::size_t>(station_.most_symbols(point)));

  if (!options_.out.empty()) {
    std::error_code problem;
    std::filesystem::create_directories(options_.out, problem);
    if (problem) throw Error(options_.out, "cannot be made: " + problem.message());
    ResultFolder::check(options_.out);
  }
  JournalReader reader;
  reader.record = [&](Record&& record) {
    if (!fits(record)) return;
    keep(record);
    open_answer(record.node, answer_of(record));
  };
  reader.unreadable = [&](const std::string& place) {
    words_.tell("records left out", LogLevel::warning,
                place + ": what stands there is no record and is left out");
  };
  journal_ = std::make_unique<Journal>(journal_path(), owner(), reader);
  if (journal_->cut() > 0)
    log(LogLevel::warning, journal_path() + ": a torn end of " + std::to_string(journal_->cut()) +
                               " bytes was cut off");
}

bool Intake::fits(const Record& record) {
  const std::string fault = station_.fault_of(record);
  if (!fault.empty())
    words_.tell("records left out", LogLevel::warning,
                journal_path() + ": " + name_of(record) + " is left out: " + fault);
  return fault.empty();
}

Hello Intake::owner() const {
  Hello hello;
  hello.node = fresh_identity();
  hello.scenario = station_.scenario_digest();
  hello.model = station_.model_digest();
  hello.name = "receiver";
  return hello;
}

// Conversations.

void Intake::join(Party& party) {
  parties_.push_back(&party);
  party.here = true;
  settle(party);
}

void Intake::leave(Party& party) {
  if (!std::exchange(party.here, false)) return;
  const auto at = std::find(parties_.begin(), parties_.end(), &party);
  queued_ -= party.queue.size();
  party.queue.clear();
  party.assemblies.clear();
  party.announced = party.queued_bytes = 0;
  held_ -= std::exchange(party.charged_bytes, 0);
  if (party.greeted && --here_[party.hello.node] == 0) here_.erase(party.hello.node);
  parties_.erase(at);
  if (!parties_.empty()) cursor_ %= parties_.size();
}

std::optional<Refusal> Intake::judge(Party& party, const Frame& first, bool ending) const {
  std::optional<Hello> hello;
  if (first.type == FrameType::hello) hello = read_hello(first.body);
  const auto differs = [&](RefusalCode code, const char* what, const Digest& theirs,
                           const Digest& ours) {
    const auto start_of = [](const Digest& digest) {
      return hexadecimal(digest).substr(0, 16) + "...";
    };
    return Refusal{code, std::string("the ") + what + ": the transmitter has " + start_of(theirs) +
                             ", the receiver " + start_of(ours)};
  };
  if (!hello) return Refusal{RefusalCode::malformed, "expected a hello"};
  if (hello->protocol != protocol_version)
    return Refusal{RefusalCode::protocol, "the transmitter speaks version " +
                                              std::to_string(hello->protocol) +
                                              " of the protocol, the receiver version " +
                                              std::to_string(protocol_version)};
  if (hello->model != station_.model_digest())
    return differs(RefusalCode::model, "checkpoint differs", hello->model, station_.model_digest());
  if (hello->scenario != station_.scenario_digest())
    return Refusal{
        RefusalCode::scenario,
        "the scenario differs, or a part of the code, a library or a table that it uses"};
  if (ending) return Refusal{RefusalCode::ending, "the receiver ends"};
  party.hello = *std::move(hello);
  return std::nullopt;
}

Welcome Intake::welcome(Party& party) {
  party.greeted = true;
  if (party.here) ++here_[party.hello.node];
  party.frames.allow_bursts(options_.largest_burst);
  party.window = options_.window;
  return {.window = party.window,
          .largest_burst = static_cast<std::uint32_t>(options_.largest_burst)};
}

bool Intake::full(const Party& party) const {
  const std::size_t waiting = party.queue.size() + party.announced;
  const bool strained = held() > most_ / 4 * 3;
  return waiting >= party.window || party.queued_bytes > options_.most_bytes_a_peer ||
         party.outbox.size() > most_unread || (strained && waiting > 0);
}

bool Intake::take(Party& party, const Frame& frame) {
  switch (frame.type) {
    case FrameType::burst:
      return take_burst(party, frame.body);
    case FrameType::receipt: {
      const auto receipt = read_receipt(frame.body);
      if (receipt) take_receipt(party, *receipt);
      return receipt.has_value();
    }
    case FrameType::ping:
      write_frame(party.outbox, FrameType::ping, "");
      return true;
    case FrameType::goodbye: {
      const auto reason = read_goodbye(frame.body);
      if (!reason) return false;
      words_.tell("goodbyes", LogLevel::note, party.name + " says goodbye: " + *reason);
      party.leaving = true;
      write_frame(party.outbox, FrameType::goodbye, write_goodbye("goodbye"));
      return true;
    }
    default:
      return false;
  }
}

void Intake::take_receipt(Party& party, const std::vector<ImageKey>& receipt) {
  const auto past = pasts_.find(party.hello.node);
  if (past == pasts_.end()) return;
  for (const ImageKey& key : receipt)
    if (const auto answer = past->second.open_answers.find(key);
        answer != past->second.open_answers.end())
      forget(past->second, answer);
}

void Intake::refuse(Party& party, const Refusal& refusal) {
  ++(refusal.code == RefusalCode::malformed ? summary_.malformed : summary_.refused);
  words_.tell("refused", LogLevel::note, party.name + " refused: " + refusal.reason);
  write_frame(party.outbox, FrameType::refusal, write(refusal));
  party.refused = party.leaving = true;
}

bool Intake::take_burst(Party& party, std::string_view body) {
  std::optional<BurstMessage> burst = read_burst(body);
  if (!burst) return false;
  const bool apart = burst->format == SymbolFormat::datagrams;
  std::string fault = station_.fault_of(*burst, party.hello.data);
  if (fault.empty() && apart && !party.datagrams)
    fault = "its symbols are to come as datagrams, for which it has no port";
  if (fault.empty() && apart && 8 * std::size_t{burst->count} > options_.largest_burst)
    fault = "its symbols take more than the largest burst";
  const ImageKey key{burst->point, burst->image};
  const auto named = [&] {
    return "image " + std::to_string(key.image) + " of point " + std::to_string(key.point) + ": ";
  };
  if (!fault.empty()) {
    refuse(party, {RefusalCode::malformed, named() + fault});
    return true;
  }
  const auto past = pasts_.find(party.hello.node);
  const bool recorded = past != pasts_.end() && past->second.recorded.contains(key);
  if (recorded)
    if (const auto answered = past->second.open_answers.find(key);
        answered != past->second.open_answers.end()) {
      ++summary_.repeated;
      party.outbox += answered->second;
      return true;
    }
  if (enough() && !recorded) return true;  // for another life of this receiver
  if (!recorded &&
      (summary_.images + static_cast<std::int64_t>(queued_) >= most_images_ || kept_ > most_ / 2)) {
    refuse(party,
           {RefusalCode::busy, named() + "the receiver's memory for what was recorded is spent: " +
                                   std::to_string(summary_.images) + " images (receive --memory)"});
    return true;
  }
  if (first_ == NodeClock::time_point{}) first_ = NodeClock::now();
  Waiting waiting;
  waiting.image.burst = *std::move(burst);
  waiting.image.node = party.hello.node;
  waiting.image.data = party.hello.data;
  waiting.arrived = NodeClock::now();
  waiting.bytes = memory_of(waiting.image.burst);
  if (apart) {
    announce(party, std::move(waiting));
  } else {
    charge(party, waiting.bytes);
    enqueue(party, std::move(waiting));
  }
  return true;
}

std::size_t Intake::answer_bytes() const {
  return 192 +
         sizeof(std::uint32_t) * static_cast<std::size_t>(station_.model(0).architecture.experts);
}

std::size_t Intake::memory_of(const BurstMessage& burst) const {
  // Unpacked, a bit is a byte, and symbols that come as datagrams have their places kept.
  const bool apart = burst.format == SymbolFormat::datagrams;
  std::size_t bytes = sizeof(Waiting) +
                      std::size_t{burst.count} * (sizeof(std::complex<float>) + (apart ? 1 : 0)) +
                      burst.told.size() + sizeof(std::int32_t) * burst.places.capacity();
  for (const Bits& part : burst.header.parts) bytes += sizeof(Bits) + part.size();
  return bytes + (burst.truth ? burst.truth->original.size() : 0) + 2 * answer_bytes() +
         recorded_bytes;
}

std::size_t Intake::cost_of_next(const Party& party) const {
  if (!party.frames.whole()) return 0;
  return 8 * party.frames.waiting() + 16 * most_symbols_ + sizeof(Waiting) + 2 * answer_bytes();
}

void Intake::settle(Party& party) {
  if (!party.here) return;  // its connection is being taken down, and is counted no more
  const std::size_t now = party.fixed_bytes + party.frames.memory() + party.outbox.capacity() +
                          party.sending_bytes + party.queued_bytes;
  held_ += now - party.charged_bytes;
  party.charged_bytes = now;
}

void Intake::charge(Party& party, std::size_t bytes) {
  party.queued_bytes += bytes;
  settle(party);
}

void Intake::release(Party& party, std::size_t bytes) {
  party.queued_bytes -= bytes;
  settle(party);
}

void Intake::enqueue(Party& party, Waiting waiting) {
  ++queued_;
  party.queue.push_back(std::move(waiting));
}

// Images.

NodeClock::time_point Intake::oldest() const {
  auto oldest = NodeClock::time_point::max();
  for (const Party* party : parties_)
    if (!party->queue.empty()) oldest = std::min(oldest, party->queue.front().arrived);
  return oldest;
}

std::vector<Intake::Turn> Intake::collect() {
  std::vector<Turn> turns;
  const auto now = NodeClock::now();
  const std::size_t most = static_cast<std::size_t>(std::max(1, options_.largest_batch));
  while (queued_ > 0 && turns.size() < most) {
    cursor_ = (cursor_ + 1) % parties_.size();
    Party& party = *parties_[cursor_];
    if (party.queue.empty()) continue;
    turns.push_back({std::move(party.queue.front()), &party});
    party.queue.pop_front();
    --queued_;
    Waiting& waiting = turns.back().waiting;
    release(party, waiting.bytes);
    waiting.image.queue_ns = static_cast<std::uint64_t>((now - waiting.arrived).count());
  }
  return turns;
}

void Intake::hear(std::vector<Turn>& turns) {
  std::vector<Incoming> images;
  images.reserve(turns.size());
  for (Turn& turn : turns) images.push_back(std::move(turn.waiting.image));
  hearing_.hear(pool_, images);
  monitor_.batch(images.size());
  const auto now = NodeClock::now();
  for (const Incoming& image : images) {
    if (past_of(image.node).recorded.contains(image.record.key())) {
      ++summary_.repeated;
      continue;
    }
    journal_->append(image.record);
    keep(image.record);
    monitor_.came(image.record, image.signal, image.noise, now);
  }
  journal_->flush();  // before anybody is told
  for (std::size_t i = 0; i < images.size(); ++i) {
    Party& party = *turns[i].party;
    party.outbox += open_answer(images[i].node, images[i].answer);
    ++party.answered;
    feed_back(party, images[i]);
    settle(party);
  }
  last_ = NodeClock::now();
  unsynced_ = true;
}

Past& Intake::past_of(const NodeId& node) {
  const auto [at, fresh] = pasts_.try_emplace(node);
  if (fresh) kept_ += past_bytes;
  return at->second;
}

void Intake::keep(const Record& record) {
  if (past_of(record.node).recorded.insert(record.key()).second)
    kept_ += options_.out.empty() ? record_bytes : recorded_bytes;
  ++summary_.images;
  monitor_.add(record);
  if (options_.out.empty()) records_.push_back(record);
}

std::string Intake::open_answer(const NodeId& node, const Answer& answer) {
  std::string frame;
  write_frame(frame, FrameType::answer, write(answer));
  Past& past = past_of(node);
  const ImageKey key{answer.point, answer.image};
  if (const auto before = past.open_answers.find(key); before != past.open_answers.end())
    forget(past, before);
  past.open_answers[key] = frame;
  ++open_;
  const std::size_t bytes = frame.size() + answer_node_bytes;
  kept_ += bytes;
  answers_ += bytes;
  // Who keeps to the window has sent receipts for all before these; another one's images are heard
  // again if they are asked for.
  if (past.open_answers.size() > options_.window) forget(past, past.open_answers.begin());
  if (answers_ > most_ / 8) forget_absent();
  return frame;
}

void Intake::forget(Past& past, std::map<ImageKey, std::string>::iterator answer) {
  const std::size_t bytes = answer->second.size() + answer_node_bytes;
  kept_ -= bytes;
  answers_ -= bytes;
  --open_;
  past.open_answers.erase(answer);
}

void Intake::forget_absent() {
  constexpr std::size_t most_looked = 64;  // at a time: there may be a great many
  for (std::size_t looked = 0;
       answers_ > most_ / 16 && looked < std::min(pasts_.size(), most_looked); ++looked) {
    auto at = pasts_.upper_bound(forgotten_);
    if (at == pasts_.end()) at = pasts_.begin();
    forgotten_ = at->first;
    if (here_.contains(at->first)) continue;
    while (!at->second.open_answers.empty()) forget(at->second, at->second.open_answers.begin());
  }
}

void Intake::feed_back(Party& party, const Incoming& image) {
  if (party.hello.report_every == 0) return;
  Report& report = party.report;
  report.last_image = image.burst.image;
  ++report.images;
  report.headers_lost += image.answer.header_lost;
  report.symbols += image.burst.count;
  report.erased += image.answer.erased;
  party.signal += image.signal;
  party.noise += image.noise;
  if (report.images < party.hello.report_every) return;
  report.snr_db = measured_snr_db(party.signal, party.noise);
  report.queue = static_cast<std::uint32_t>(std::min<std::size_t>(party.queue.size(), 0xFFFFFFFFu));
  write_frame(party.outbox, FrameType::report, write(report));
  report = {.serial = report.serial + 1};
  party.signal = party.noise = 0;
}

// The end.

void Intake::sync() {
  if (!std::exchange(unsynced_, false)) return;
  journal_->sync();
}

void Intake::finish() {
  journal_->flush();
  journal_->sync();
  journal_.reset();
  const double wall = seconds_between(first_, last_);
  if (!options_.out.empty()) {  // its records are read again: they are not kept twice
    JournalReader reader;
    reader.record = [&](Record&& record) {
      if (fits(record)) records_.push_back(std::move(record));
    };
    const Journal again(journal_path(), owner(), reader);
  }
  options_.about["wall_seconds"] = wall;
  options_.about["connections"] = {{"refused", summary_.refused},
                                   {"malformed", summary_.malformed},
                                   {"timed_out", summary_.timed_out}};
  options_.about["memory"] = {{"limit_bytes", options_.memory_bytes}, {"peers_bytes", most_}};
  summary_.rows =
      write_results(station_, options_.out, options_.about, std::move(records_), wall, &late_);
}

}  // namespace semwave
