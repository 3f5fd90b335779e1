// Tokens of a network, over the channel as they are or as bits.
#include "experiment/pair/semantic_settings.h"

#include "core/base/error.h"
#include "core/config/field_builders.h"
#include "experiment/pair/pair.h"
#include "experiment/pair/used_parts.h"
#include "phy/digital/link_fields.h"
#include "phy/signal/equaliser_registry.h"
#include "receiver/semantic/semantic_receiver.h"
#include "transmitter/exit/exit_rule.h"
#include "transmitter/gate/gate.h"
#include "transmitter/policy/policy.h"
#include "transmitter/semantic/semantic_transmitter.h"

namespace semwave {
namespace {

Field with_default(Field field, const char* kind, std::string summary) {
  field.fallback = Json{{"kind", kind}};
  field.summary = std::move(summary);
  return field;
}

Fields keys() {
  return {
      .summary = "tokens of a network, over the channel as they are or as bits",
      .fields = {with_default(gates().field("gate"), "learned", "which tokens are sent"),
                 with_default(exits().field("exit"), "fixed", "how deep an image is computed"),
                 with_default(policies().field("policy"), "fixed",
                              "how much is asked for, from channel state"),
                 fields::choice("positions", "sent", {"sent", "none"},
                                "none: tokens are a set; enough for a class, no image is rebuilt"),
                 digital_link_field()}};
}

class SemanticPair final : public Pair {
 public:
  SemanticPair(const Json& transmitter, const PairInput& input)
      : settings_{.gate = transmitter.at("gate"),
                  .exit = transmitter.at("exit"),
                  .policy = transmitter.at("policy"),
                  .positions_sent = transmitter.at("positions") == "sent",
                  .digital = read_digital_link(transmitter.at("link"),
                                               input.root / "transmitter" / "link"),
                  .equaliser = equalisers().make(input.receiver.at("equaliser"),
                                                 input.root / "receiver" / "equaliser"),
                  .router = input.receiver.at("router")} {}

  void build(const PairContext& context, Model& model) const override {
    const auto& [gate, exit, policy, positions_sent, digital, equaliser, router] = settings_;
    model.trained = context.trained;
    model.rebuilds = model.architecture.image_head && positions_sent;
    model.transmitter = std::make_unique<SemanticTransmitter>(
        *model.parameters, model.architecture,
        SemanticTransmitterSettings{gate, exit, positions_sent, context.power, digital,
                                    context.trained},
        context.place / "transmitter");
    model.receiver = std::make_unique<SemanticReceiver>(
        *model.parameters, model.architecture,
        SemanticReceiverSettings{equaliser, router, digital, context.trained},
        context.place / "receiver");
  }

  std::vector<Component> components(const PairContext&, DeviceKind device,
                                    bool runs) const override {
    UsedParts used;
    used.add(part::semantic_transmitter, part::gates, part::exit_rules, part::policies,
             part::semantic_receiver, part::routers, part::semantic_header);
    used.header();
    used.network(device, runs);
    if (!settings_.digital) return used.list();
    used.add(part::digital_link);
    if (settings_.digital->coding_bits() > 0)
      used.chosen_blocks(settings_.digital->codings());
    else
      used.blocks(settings_.digital->coding(0));
    return used.list();
  }

  double least_parameters(const Architecture& architecture) const override {
    return architecture.least_parameters();
  }

  const SemanticSettings* semantic() const override { return &settings_; }

  bool may_take_any_size() const override { return true; }

  void check_training(const Json& train, const Place& place) const override {
    if (train.contains("decoded"))
      throw Error((place / "decoded").str(),
                  "is for the classifier that stands behind image codecs: \"transmitter\": "
                  "\"label\"");
  }

  void check_qpsk_alone(const Place& root, const std::string& channel) const override {
    if (!settings_.digital)
      throw Error((root / "channel" / "kind").str(),
                  "'" + channel +
                      "' carries bits alone, and the payload is analogue: set transmitter.link to "
                      "{\"kind\": \"digital\", ...}, or choose another channel");
    const Place coding = root / "transmitter" / "link" / "coding";
    if (settings_.digital->coding_bits() > 0)
      throw Error(coding.str(),
                  "over " + channel +
                      " modulation and coding are agreed: \"coding\": {\"kind\": \"fixed\", "
                      "\"modulation\": \"qpsk\", ...}");
    if (const Modulation agreed = settings_.digital->coding(0).modulation;
        agreed != Modulation::qpsk)
      throw Error((coding / "modulation").str(),
                  "the channel " + channel + " flips the two bits of a QPSK symbol, found " +
                      modulation_name(agreed));
  }

  std::string looks_at_images() const override {
    if (exit_looks(settings_.exit))
      return "an exit that looks at the image needs the network: ask for a metric";
    return gate_looks(settings_.gate)
               ? "a gate that decides how many tokens it keeps needs the network: ask for a metric"
               : "";
  }
  bool chance_at_receiver() const override { return settings_.digital != nullptr; }
  bool sends_parity() const override { return settings_.digital != nullptr; }

  std::int64_t most_symbols(const PairContext&, const Architecture& a) const override {
    if (!settings_.digital) return std::int64_t{a.grid()} * a.max_symbols_per_token;
    const DigitalLink& link = *settings_.digital;
    const std::int64_t bits = link.bits(a.grid(), a.max_symbols_per_token);
    std::int64_t most = 0;
    // Twice: of a few tokens less another length of code may be chosen, which takes a little more.
    for (int coding = 0; link.knows(coding); ++coding)
      most = std::max(most, 2 * link.uses(bits, coding));
    return most;
  }

  std::string fault_of(const BurstClaim& claim, const Architecture& a) const override {
    const std::int64_t piece = settings_.digital ? 0 : a.max_symbols_per_token;
    if (claim.lost_together > piece)
      return outside("symbols that are lost together", claim.lost_together, 0, piece);
    return Pair::fault_of(
        {.symbols = claim.symbols, .header = claim.header, .told_bits = claim.told_bits}, a);
  }

  std::string fault_of(const SentHalf& sent, const Architecture& a) const override {
    if (sent.symbols_per_token < 0 || sent.symbols_per_token > a.max_symbols_per_token)
      return outside("symbols a token", sent.symbols_per_token, 0, a.max_symbols_per_token);
    if (sent.tokens < 0 || sent.tokens > a.grid())
      return outside("tokens", sent.tokens, 0, a.grid());
    return fault_of_notes(sent.notes);
  }

  std::int64_t most_tokens(const Architecture& a) const override { return a.grid(); }

 private:
  SemanticSettings settings_;
};

}  // namespace

void add_semantic(PairRegistry& registry) {
  registry.add("semantic", keys(), [](const Json& transmitter, const PairInput& input) {
    return std::make_shared<const SemanticPair>(transmitter, input);
  });
}

}  // namespace semwave
