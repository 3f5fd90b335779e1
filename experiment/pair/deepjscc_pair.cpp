// Convolutions from picture to symbols and back (DeepJSCC).
#include <utility>

#include "core/base/error.h"
#include "experiment/pair/pair.h"
#include "experiment/pair/used_parts.h"
#include "phy/signal/equaliser_registry.h"
#include "receiver/deepjscc/deepjscc_receiver.h"
#include "transmitter/deepjscc/deepjscc_transmitter.h"

namespace semwave {
namespace {

class DeepJsccPair final : public Pair {
 public:
  explicit DeepJsccPair(Equaliser equaliser) : equaliser_(std::move(equaliser)) {}

  void build(const PairContext& context, Model& model) const override {
    model.trained = context.trained;
    model.rebuilds = true;
    model.transmitter = std::make_unique<DeepJsccTransmitter>(
        *model.parameters, model.architecture,
        DeepJsccTransmitterSettings{context.power, context.trained});
    model.receiver =
        std::make_unique<DeepJsccReceiver>(*model.parameters, model.architecture,
                                           DeepJsccReceiverSettings{equaliser_, context.trained});
  }

  std::vector<Component> components(const PairContext&, DeviceKind device,
                                    bool runs) const override {
    UsedParts used;
    used.add(part::deepjscc_transmitter, part::deepjscc_receiver);
    used.network(device, runs);
    return used.list();
  }

  std::string refusal(const Architecture& architecture) const override {
    return architecture.deepjscc ? "" : "says nothing of deepjscc, the network that the pair needs";
  }
  double least_parameters(const Architecture& architecture) const override {
    return architecture.deepjscc ? architecture.deepjscc->least_parameters(architecture.channels)
                                 : 0;
  }
  int least_side(const Architecture& architecture) const override {
    return architecture.deepjscc ? architecture.deepjscc->stride() : 1;
  }
  bool may_take_any_size() const override { return true; }
  bool decides() const override { return false; }

  void check_training(const Json& train, const Place& place) const override {
    if (train.contains("decoded"))
      throw Error((place / "decoded").str(),
                  "is for the classifier that stands behind image codecs: \"transmitter\": "
                  "\"label\"");
    const Json& losses = train["losses"];
    for (const char* name : {"class", "gate", "exit"})
      if (losses[name] != 0)
        throw Error((place / "losses" / name).str(),
                    "must be 0: a picture is the one thing that the pair answers with");
  }
  void check_qpsk_alone(const Place& root, const std::string& channel) const override {
    throw Error((root / "channel" / "kind").str(),
                "'" + channel +
                    "' carries bits alone, and what a deepjscc transmitter sends is "
                    "analogue: choose another channel");
  }
  std::int64_t most_symbols(const PairContext&, const Architecture& a) const override {
    return a.deepjscc ? a.deepjscc->symbols(a.height, a.width, a.channels) : 0;
  }
  std::string fault_of(const BurstClaim& claim, const Architecture& a) const override {
    if (claim.lost_together > 0)
      return outside("symbols that are lost together", static_cast<double>(claim.lost_together), 0,
                     0);
    if (claim.header) return "it has a header";
    if (claim.told_bits > 0) return "bits are told that this scenario does not tell";
    const std::int64_t symbols =
        a.deepjscc ? a.deepjscc->symbols(a.height, a.width, a.channels) : 0;
    return claim.symbols == symbols
               ? ""
               : outside("payload symbols", static_cast<double>(claim.symbols),
                         static_cast<double>(symbols), static_cast<double>(symbols));
  }
  using Pair::fault_of;  // of what is noted of an image: nothing is

 private:
  Equaliser equaliser_;
};

}  // namespace

void add_deepjscc(PairRegistry& registry) {
  registry.add("deepjscc",
               {.summary = "convolutions from picture to symbols and back, pictures of any size; "
                           "the network: model.architecture.deepjscc"},
               [](const Json&, const PairInput& input) {
                 return std::make_shared<const DeepJsccPair>(equalisers().make(
                     input.receiver.at("equaliser"), input.root / "receiver" / "equaliser"));
               });
}

}  // namespace semwave
