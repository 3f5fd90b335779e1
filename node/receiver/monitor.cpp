#include "node/receiver/monitor.h"

#include <algorithm>
#include <map>

#include "core/base/text.h"
#include "experiment/metric/statistics.h"
#include "node/record/summary.h"

namespace semwave {
namespace {

/// A label's value with what would end it early escaped.
std::string escaped(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '\\' || c == '"') made += '\\';
    made += c == '\n' ? ' ' : c;
  }
  return made;
}

}  // namespace

Monitor::Monitor(std::string name, int transmitter_blocks, int experts, int grid,
                 std::vector<std::string> class_names, NodeClock::time_point start)
    : name_(std::move(name)),
      grid_(grid),
      class_names_(std::move(class_names)),
      exits_(static_cast<std::size_t>(transmitter_blocks) + 1),
      experts_(static_cast<std::size_t>(experts)),
      start_(start),
      history_(start) {}

std::string Monitor::class_name(std::int32_t decision) const {
  if (decision < 0) return "lost";
  const auto at = static_cast<std::size_t>(decision);
  return at < class_names_.size() ? printable(class_names_[at]) : std::to_string(decision);
}

void Monitor::batch(std::size_t images) {
  ++batches_;
  batched_ += static_cast<std::int64_t>(images);
}

void Monitor::add(const Record& record) {
  const ImageRecord& image = record.image;
  ++images_;
  lost_ += image.header_lost;
  erased_ += record.erased;
  if (image.label >= 0) {
    ++labelled_;
    correct_ += image.decision == image.label;
  }
  uses_ += image.uses;
  if (record.truth && static_cast<std::size_t>(image.exit_depth) < exits_.size())
    ++exits_[static_cast<std::size_t>(image.exit_depth)];
  for (std::size_t e = 0; e < std::min(experts_.size(), record.expert_rows.size()); ++e)
    experts_[e] += record.expert_rows[e];
  for (std::size_t s = 0; s < stage_seconds_.size(); ++s)
    stage_seconds_[s] += 1e-9 * static_cast<double>(record.ns[s]);
  last_.push_back(record);
  if (last_.size() > recent) last_.pop_front();
}

OrderedJson Monitor::json(const std::vector<PeerLine>& peers, std::int64_t refused,
                          std::int64_t malformed, std::int64_t timed_out,
                          NodeClock::time_point now) const {
  const double seconds = seconds_between(start_, now),
               images = static_cast<double>(std::max<std::int64_t>(1, images_));
  OrderedJson made;
  made["name"] = name_;
  made["seconds"] = seconds;
  made["images"] = images_;
  made["images_per_second"] = history_.rate(now);  // the mean since the start says nothing of now
  made["history"] = history_.json(now);
  if (labelled_ > 0) {
    const auto [low, high] = wilson95(correct_, labelled_);
    made["accuracy"] = static_cast<double>(correct_) / static_cast<double>(labelled_);
    made["accuracy_ci95"] = {low, high};
  }
  made["header_losses"] = lost_;
  made["erased_symbols"] = erased_;
  made["channel_uses"] = {{"payload", static_cast<double>(uses_.payload) / images},
                          {"header", static_cast<double>(uses_.header) / images},
                          {"pilots", static_cast<double>(uses_.pilots) / images},
                          {"total", static_cast<double>(uses_.total()) / images}};
  made["exit_histogram"] = exits_;
  made["expert_rows"] = experts_;
  made["grid"] = grid_;
  made["last_tokens"] = OrderedJson::array();
  for (auto record = last_.rbegin(); record != last_.rend() && made["last_tokens"].size() < 40;
       ++record)
    made["last_tokens"].push_back(
        {{"image", record->image.image},
         {"tokens", record->image.tokens},
         {"decision", record->image.decision},
         {"class", class_name(record->image.decision)},
         {"right", record->image.label < 0
                       ? OrderedJson(nullptr)
                       : OrderedJson(record->image.label == record->image.decision)}});
  std::map<std::int32_t, std::int64_t> answers;
  for (const Record& record : last_) ++answers[record.image.decision];
  made["last_classes"] = OrderedJson::array();
  for (const auto& [decision, count] : answers)
    made["last_classes"].push_back({{"class", class_name(decision)}, {"images", count}});
  made["latency_ms"] = latency_json({last_.begin(), last_.end()});
  made["batch"] = batches_ > 0 ? static_cast<double>(batched_) / static_cast<double>(batches_) : 0;
  made["peers"] = OrderedJson::array();
  for (const PeerLine& peer : peers)
    made["peers"].push_back({{"name", printable(peer.name)},
                             {"address", peer.address},
                             {"answered", peer.answered},
                             {"queued", peer.queued}});
  made["connections"] = {{"refused", refused}, {"malformed", malformed}, {"timed_out", timed_out}};
  return made;
}

std::string Monitor::prometheus(const std::vector<PeerLine>& peers, std::int64_t refused,
                                std::int64_t malformed, std::int64_t timed_out) const {
  std::string text;
  const auto family = [&](const char* name, const char* type, const char* help) {
    text += std::string("# HELP semwave_") + name + " " + help + "\n# TYPE semwave_" + name + " " +
            type + "\n";
  };
  const auto line = [&](const std::string& name, const OrderedJson& value) {
    text += "semwave_" + name + " " + value.dump() + "\n";
  };
  family("images_total", "counter", "Images recorded.");
  line("images_total", images_);
  family("correct_total", "counter", "Right classes among those with a label.");
  line("correct_total", correct_);
  family("labelled_total", "counter", "Images that came with a label.");
  line("labelled_total", labelled_);
  family("header_losses_total", "counter", "Images whose header was not read.");
  line("header_losses_total", lost_);
  family("erased_symbols_total", "counter", "Payload symbols whose datagram never came.");
  line("erased_symbols_total", erased_);
  family("channel_uses_total", "counter", "Channel uses by share.");
  for (const auto& [share, uses] :
       {std::pair{"payload", uses_.payload}, std::pair{"header", uses_.header},
        std::pair{"pilots", uses_.pilots}, std::pair{"parity", uses_.parity},
        std::pair{"prefix", uses_.prefix}})
    line(std::string("channel_uses_total{share=\"") + share + "\"}", uses);
  family("exit_depth_total", "counter", "Images by the depth they left the transmitter at.");
  for (std::size_t depth = 0; depth < exits_.size(); ++depth)
    line("exit_depth_total{depth=\"" + std::to_string(depth) + "\"}", exits_[depth]);
  family("expert_rows_total", "counter", "Tokens each expert worked on.");
  for (std::size_t e = 0; e < experts_.size(); ++e)
    line("expert_rows_total{expert=\"" + std::to_string(e) + "\"}", experts_[e]);
  family("stage_seconds_total", "counter", "Time of all images by stage.");
  for (const auto& [stage, at] : {std::pair{"encode", 0}, std::pair{"queue", 1},
                                  std::pair{"channel", 3}, std::pair{"decode", 4}})
    line(std::string("stage_seconds_total{stage=\"") + stage + "\"}",
         stage_seconds_[static_cast<std::size_t>(at)]);
  family("batches_total", "counter", "Batches given to the pool.");
  line("batches_total", batches_);
  family("connections_ended_total", "counter", "Connections that were not let go on, by reason.");
  for (const auto& [why, count] : {std::pair{"refused", refused}, std::pair{"malformed", malformed},
                                   std::pair{"timed_out", timed_out}})
    line(std::string("connections_ended_total{reason=\"") + why + "\"}", count);
  family("peers", "gauge", "Transmitters that are connected.");
  line("peers", peers.size());
  family("peer_queued", "gauge", "Images of a transmitter that wait.");
  for (const PeerLine& peer : peers)
    line("peer_queued{peer=\"" + escaped(printable(peer.name)) + "\",address=\"" + peer.address +
             "\"}",
         peer.queued);
  return text;
}

}  // namespace semwave
