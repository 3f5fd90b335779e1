// A class found at the transmitter, sent alone in the header.
#include "core/base/error.h"
#include "experiment/pair/pair.h"
#include "experiment/pair/used_parts.h"
#include "receiver/label/label_receiver.h"
#include "transmitter/label/label_transmitter.h"

namespace semwave {
namespace {

class LabelPair final : public Pair {
 public:
  void build(const PairContext&, Model& model) const override {
    const Architecture& a = model.architecture;
    model.classifier = std::make_unique<Classifier>(*model.parameters, a);
    const Parameter& mean =
        model.parameters->add("receiver.mean_image", {a.height, a.width, a.channels}, Init::zeros);
    model.transmitter = std::make_unique<LabelTransmitter>(*model.classifier, a.classes);
    model.receiver = std::make_unique<LabelReceiver>(model.parameters->backend(), mean, a.classes);
  }

  std::vector<Component> components(const PairContext&, DeviceKind device,
                                    bool runs) const override {
    UsedParts used;
    used.add(part::label_transmitter, part::label_receiver, part::label_header, part::classifier);
    used.header();
    used.network(device, runs);
    return used.list();
  }

  double least_parameters(const Architecture& architecture) const override {
    return Classifier::least_parameters(architecture);
  }

  void check_training(const Json&, const Place&) const override {}
  /// Its header stays QPSK at what is believed of such a channel, and there is nothing else.
  void check_qpsk_alone(const Place&, const std::string&) const override {}
  bool classifies_whole_images() const override { return true; }
  bool rebuilds_images() const override { return false; }
  std::int64_t most_symbols(const PairContext&, const Architecture&) const override { return 0; }
};

}  // namespace

void add_label(PairRegistry& registry) {
  registry.add("label", {.summary = "classify at the transmitter, send the label alone"},
               [](const Json&, const PairInput&) { return std::make_shared<const LabelPair>(); });
}

}  // namespace semwave
