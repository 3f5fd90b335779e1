#include "channel/kind/trace.h"

#include <algorithm>

#include "channel/channel_fields.h"
#include "channel/numerics.h"
#include "channel/registry.h"
#include "core/base/error.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

/// One gain a burst.
class TraceGains final : public GainLaw {
 public:
  explicit TraceGains(std::shared_ptr<const Trace> trace) : trace_(std::move(trace)) {}

  void draw(const LinkDraws& link, std::int64_t, int slots_before,
            std::span<std::complex<double>> gains) const override {
    std::ranges::fill(gains,
                      trace_->gain(link.link(), link.over_time(), link.slot(), slots_before));
  }
  // What is wrong of a gain is what the file says.
  double late_error(int slots, double) const override { return trace_->change(slots); }
  double unknown_error() const override { return trace_->distance_from_one(); }
  bool follows_images() const override { return true; }

 private:
  std::shared_ptr<const Trace> trace_;
};

class TraceSnrs final : public SnrSource {
 public:
  explicit TraceSnrs(std::shared_ptr<const Trace> trace) : trace_(std::move(trace)) {}
  double snr_db(std::uint32_t link, bool over_time, std::uint32_t slot) const override {
    return trace_->snr_db(link, over_time, slot);
  }

 private:
  std::shared_ptr<const Trace> trace_;
};

std::vector<Field> trace_fields() {
  return {{.name = "file",
           .type = FieldType::string,
           .summary =
               "CSV with a header line: slot,link,re,im or slot,link,snr_db; link may be left out"},
          fields::boolean(
              "normalise", true,
              "gains are scaled to mean power 1 over the file, so that snr_db keeps its meaning")};
}

void read_trace(const Json& parameters, ChannelSettings& channel) {
  const std::string file = parameters.at("file").get<std::string>();
  if (file.empty())
    throw PartError("/file", "expected a CSV file with the columns slot,re,im or slot,snr_db");
  follow(Trace::read(file, parameters.at("normalise").get<bool>()), channel);
}

void check_trace(const ChannelSettings& channel) {
  if (channel.snr.source && channel.transmitter.kind == CsiKind::delayed)
    throw PartError(
        "/csi/transmitter",
        "a trace of SNRs is known as of its own slot: in a timeline use feedback.delay");
}

}  // namespace

void follow(const std::shared_ptr<const Trace>& trace, ChannelSettings& channel) {
  channel.made_with(part::trace);
  if (trace->has_gains())
    channel.fading.gains = std::make_shared<const TraceGains>(trace);
  else
    channel.snr = {trace->lowest_snr_db(), trace->highest_snr_db(),
                   std::make_shared<const TraceSnrs>(trace)};
}

void add_trace(ChannelKinds& kinds) {
  kinds.add(
      {.name = "trace",
       .summary = "complex gains or SNRs from a file, slot by slot, then white Gaussian noise",
       .fields = trace_fields(),
       .read = read_trace,
       .chain = ChainPlace::fading,
       .check = check_trace});
}

}  // namespace semwave
