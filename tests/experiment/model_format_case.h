// One case of docs/model_format_golden.json: a picture through the network as docs/model_format.md
// describes it, stage by stage, and through the program.
#pragma once

#include <cstdlib>
#include <memory>
#include <utility>

#include "core/base/file.h"
#include "core/random/random.h"
#include "experiment/run/images.h"
#include "experiment/run/model.h"
#include "experiment/scenario/scenario.h"
#include "phy/code/convolutional_code.h"
#include "phy/code/crc.h"
#include "phy/header/header_codec.h"
#include "phy/header/semantic_header.h"
#include "phy/modulation/modulation.h"
#include "phy/signal/signal.h"
#include "receiver/receiver.h"
#include "receiver/semantic/semantic_receiver.h"
#include "tests/experiment/composed_network.h"
#include "tests/experiment/golden_stages.h"
#include "transmitter/transmitter.h"

namespace semwave {

using golden::Case;
using golden::Composition;
using golden::host;

inline const std::string source_dir = SEMWAVE_SOURCE_DIR;
inline const std::string golden_path = source_dir + "/docs/model_format_golden.json";
constexpr int side = 28;
constexpr double believed_snr_db = 10, noise_variance = 0.1;

/// The page's picture.
inline std::vector<std::uint8_t> picture() {
  std::vector<std::uint8_t> pixels;
  for (int r = 0; r < side; ++r)
    for (int c = 0; c < side; ++c) {
      const int bright = std::max(0, 230 - 2 * (r - 12) * (r - 12) - (c - 15) * (c - 15));
      pixels.push_back(static_cast<std::uint8_t>(bright + (3 * r + 5 * c) % 17));
    }
  return pixels;
}

/// Whose draws the random gate and the page's examples of noise are.
inline const Draws draws{.seed = 7, .visit = 1, .images = {3}};

/// The page's noise of a use.
inline std::complex<double> turning(std::size_t use) {
  const auto u = static_cast<double>(use);
  return std::polar(std::sqrt(noise_variance), 0.7 * u * u);
}

inline std::string text(std::span<const std::uint8_t> bits) {
  std::string made;
  for (const std::uint8_t bit : bits) made += static_cast<char>('0' + bit);
  return made;
}

/// Composition and program run the same ops: nothing but another order of fused work may differ.
inline void expect_equal(const std::vector<float>& composed, const std::vector<float>& real,
                         const std::string& what) {
  ASSERT_EQ(composed.size(), real.size()) << what;
  for (std::size_t i = 0; i < real.size(); ++i)
    ASSERT_NEAR(composed[i], real[i], 2e-5 * std::max(1.0f, std::abs(real[i]))) << what << " " << i;
}

std::int64_t largest(const std::vector<float>& values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

inline void symbols_stage(Case& record, const std::string& name,
                          std::span<const std::complex<float>> symbols) {
  record.stage(name, {static_cast<std::int64_t>(symbols.size()), 2},
               reinterpret_cast<const float*>(symbols.data()));
}

/// Format, parts, coded bits and stream; the symbols that leave the antenna.
inline Symbols header_stages(Case& record, const HeaderOnAir& on_air) {
  const int width = header_formats()[static_cast<std::size_t>(on_air.format)].bits_per_symbol;
  record.whole("header.format", {on_air.format});
  const Symbols symbols = encode_header(on_air);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < on_air.parts.size(); ++i) {
    const Bits& part = on_air.parts[i];
    const std::string name = "header.part" + std::to_string(i);
    record.bits(name, text(part));
    record.bits(name + ".coded", text(convolutional_encode(append_crc(part))));
    const int length = static_cast<int>(part.size());
    const auto uses = static_cast<std::size_t>(header_uses(std::span(&length, 1), on_air.format));
    const Symbols gains(uses, 1.0f);
    PooledVector<float> soft(uses * static_cast<std::size_t>(width));
    demodulate(modulation_of(width), std::span(symbols).subspan(begin, uses), gains, 1.0, soft);
    record.bits(name + ".sent", text(hard_decisions(soft)));
    begin += uses;
  }
  EXPECT_EQ(begin, symbols.size());
  symbols_stage(record, "header.symbols", symbols);
  return symbols;
}

/// A header alone: sent, and read again in front of a silent payload.
inline Case header_case(const std::string& name, const Json& given) {
  Case made{.name = name};
  made.given = given;
  const int grid = given["grid"].get<int>(), every = given["every"].get<int>();
  SemanticHeader header{.exit_depth = given["depth"].get<int>(),
                        .symbols_per_token = given["symbols_per_token"].get<int>(),
                        .k = given["k"].get<int>()};
  for (int i = 0; i < header.k; ++i) header.positions.push_back(i * every);
  const double snr_db = given["believed_snr_db"].get<double>();
  Symbols frame = header_stages(made, semantic_header_on_air(header, grid, snr_db));
  frame.resize(frame.size() + static_cast<std::size_t>(header.k * header.symbols_per_token));
  const Symbols gains(frame.size(), 1.0f);
  const std::optional<FoundHeader> found = find_header(
      frame, gains, 0, semantic_word_bits(grid),
      [grid](const Bits& word) { return semantic_second_part_bits(word, grid); },
      [grid](const Bits& word) { return semantic_payload(word, grid).symbols(); });
  if (!found) throw Error(name, "the header was lost");
  const SemanticHeader read = read_semantic_header(found->parts, grid).value();
  std::vector<std::int64_t> values{read.exit_depth, read.symbols_per_token, read.k};
  values.insert(values.end(), read.positions.begin(), read.positions.end());
  made.whole("header.read", values);
  return made;
}

/// One case through composition and program.
class CaseRun {
 public:
  CaseRun(const std::string& name, const std::string& model, Json given)
      : backend_(make_cpu_backend()), checkpoint_(read_checkpoint(source_dir + "/" + model)) {
    made_ = {.name = name, .model = model, .weights_sha256 = golden::weights_digest(checkpoint_)};
    made_.given = std::move(given);
    net_ = std::make_unique<Composition>(*backend_, checkpoint_, made_);
    net_->pass.draws = draws;
    const std::vector<std::uint8_t> pixels = picture();
    PooledVector<float> values;
    for (const std::uint8_t pixel : pixels) values.push_back(static_cast<float>(pixel) / 255.0f);
    image_ = backend_->from_host({1, side, side, 1}, values.data());
    made_.stage("picture", {side, side, 1}, values.data());
  }

  Case run() {
    made_.given["pair"] == "label" ? label() : semantic();
    return std::move(made_);
  }
  double margin() const { return net_->margin; }

 private:
  Model model(const Json& transmitter) {
    Json value{{"version", 1},
               {"name", "golden"},
               {"seed", 1},
               {"source", {{"dataset", "fashion-mnist"}, {"split", "test"}}},
               {"model", source_dir + "/" + made_.model},
               {"transmitter", transmitter},
               {"channel", {{"kind", "awgn"}, {"snr_db", believed_snr_db}}},
               {"metrics", {"accuracy"}}};
    if (transmitter.at("kind") == "semantic")
      value["receiver"] = {
          {"kind", "semantic"}, {"equaliser", "mmse"}, {"router", {{"kind", "top_k"}, {"k", 1}}}};
    return make_model(parse_scenario(value, "golden.json"), *backend_, checkpoint_);
  }

  void label() {
    Tokens x = net_->tokenise("classifier.tokeniser", image_);
    for (int b = 0; b < net_->a.transmitter_blocks; ++b)
      x = net_->block("classifier.blocks." + std::to_string(b), x, {});
    const std::vector<float> logits = net_->class_head("classifier.class_head", x, {});
    made_.whole("class", {largest(logits)});

    const Model real = model({{"kind", "label"}});
    expect_equal(logits, host(*backend_, (*real.classifier)(net_->pass, image_).value()), "logits");
    const Burst burst =
        real.transmitter->transmit(net_->pass, image_, {{.snr_db = believed_snr_db}}, {Plan{}});
    const Symbols sent = header_stages(made_, burst.headers[0]);
    Reception heard = reception(burst, sent, {}, {1, 0}, false);
    const Result result = real.receiver->receive(net_->pass, heard);
    EXPECT_EQ(decisions(*backend_, result)[0], largest(logits));
  }

  /// I and Q of the S symbols of each of k tokens, of unit power.
  std::vector<float> symbols_of(const Tokens& x, const Var& condition, int k, int S) {
    Composition& net = *net_;
    const Var normed = net.norm("transmitter.norm", x, condition);
    const Var mapped = net.stage("transmitter.mapped", net.linear("transmitter.mapper", normed));
    const int widest = net.a.max_symbols_per_token;
    PooledVector<std::int32_t> used;
    for (int t = 0; t < k; ++t)
      for (int s = 0; s < S; ++s) used.push_back(t * widest + s);
    const Var chosen = gather_rows(net.pass, reshape(net.pass, mapped, {k * widest, 2}), used);
    const Var sent = unit_power(net.pass, chosen, {0, k * S});
    return host(*backend_, net.stage("transmitter.symbols", sent).value());
  }

  void semantic() {
    const Json& given = made_.given;
    Composition& net = *net_;
    const int blocks = net.a.transmitter_blocks, grid = net.a.grid();
    const Plan plan{.keep_ratio = given["keep"].get<double>(),
                    .exit_depth = given["depth"].get<int>(),
                    .symbols_per_token = given["symbols_per_token"].get<int>()};
    const bool positions = given["positions"] == "sent", answers = given["exit"]["kind"] != "fixed";
    const int k = tokens_to_keep(plan.keep_ratio, grid), S = plan.symbols_per_token;
    const std::vector<int> at = given["gate_at"];

    const Var c = net.condition("transmitter.condition",
                                {static_cast<float>(std::clamp(believed_snr_db, -20.0, 40.0) / 10),
                                 static_cast<float>(k) / static_cast<float>(grid),
                                 static_cast<float>(plan.exit_depth) / static_cast<float>(blocks),
                                 std::log2(static_cast<float>(S)) / 4, positions ? 1.0f : 0.0f});
    Tokens x = net.tokenise("transmitter.tokeniser", image_);
    std::vector<float> first_scores;
    std::vector<std::vector<float>> exits;
    for (int depth = 0;; ++depth) {
      if (depth > 0 && net.a.exit_heads)
        exits.push_back(net.class_head("transmitter.exits." + std::to_string(depth), x, c));
      if (answers && depth == 1) {
        made_.whole("transmitter.answer", {largest(exits.back())});
        break;
      }
      const bool leaves = depth == plan.exit_depth;
      const auto gate = std::find(at.begin(), at.end(), depth);
      if (depth <= at.back() && (leaves || gate != at.end())) {
        const double places = static_cast<double>(gate - at.begin()) + 1;
        const double share = leaves ? 1 : places / static_cast<double>(at.size());
        const std::vector<float> scores = net.scores(x, depth, given["gate"] == "random", c);
        if (first_scores.empty()) first_scores = scores;
        x = net.gated(x, depth, tokens_to_keep(std::pow(plan.keep_ratio, share), grid), scores);
      }
      if (leaves) break;
      x = net.block("transmitter.blocks." + std::to_string(depth), x, c);
    }
    const std::vector<float> symbols = answers ? std::vector<float>() : symbols_of(x, c, k, S);

    const Model real = model({{"kind", "semantic"},
                              {"gate", {{"kind", given["gate"]}, {"at", given["gate_at"]}}},
                              {"exit", given["exit"]},
                              {"policy",
                               {{"kind", "fixed"},
                                {"keep", plan.keep_ratio},
                                {"depth", plan.exit_depth},
                                {"symbols_per_token", S}}},
                              {"positions", given["positions"]}});
    TransmitTrace trace;
    trace.asks_heads = net.a.exit_heads;
    const PooledVector<ChannelState> states{{.snr_db = believed_snr_db}};
    const Burst burst = real.transmitter->transmit(net.pass, image_, states, {plan}, &trace);
    expect_equal(symbols, host(*backend_, burst.symbols.value()), "symbols");
    ASSERT_EQ(trace.exits.size(), exits.size());
    for (std::size_t d = 0; d < exits.size(); ++d)
      expect_equal(exits[d], host(*backend_, trace.exits[d].logits.value()),
                   "exit head " + std::to_string(d + 1));
    if (!answers) {
      expect_equal(first_scores, host(*backend_, trace.scores.value()), "scores");
      EXPECT_EQ(trace.layout->positions, x.layout->positions);
    }
    const Symbols on_air = header_stages(made_, burst.headers[0]);
    for (const Json& reception_given : given["receptions"]) {
      made_.prefix = reception_given["name"].get<std::string>() + "/";
      const std::complex<double> gain(reception_given["gain"][0].get<double>(),
                                      reception_given["gain"][1].get<double>());
      hear(*real.receiver, burst, on_air, gain, reception_given["noise"] == "turning", positions,
           answers);
    }
    made_.prefix.clear();
  }

  /// y = h x + n of header and payload.
  Reception reception(const Burst& burst, const Symbols& header, const std::vector<float>& symbols,
                      std::complex<double> gain, bool noisy) {
    Symbols sent = header;
    for (std::size_t i = 0; i < symbols.size(); i += 2)
      sent.emplace_back(symbols[i], symbols[i + 1]);
    for (std::size_t u = 0; u < sent.size(); ++u)
      sent[u] =
          std::complex<float>(gain * std::complex<double>(sent[u]) + (noisy ? turning(u) : 0.0));
    const auto begin = sent.begin() + static_cast<std::ptrdiff_t>(header.size());
    const Symbols payload(begin, sent.end()), gains(payload.size(), std::complex<float>(gain));
    const std::vector<float> variance(payload.size(), static_cast<float>(noise_variance));
    const auto count = static_cast<std::int64_t>(payload.size());
    Reception heard;
    heard.header_symbols = {Symbols(sent.begin(), begin)};
    heard.header_gains = {Symbols(header.size(), std::complex<float>(gain))};
    heard.header_noise_variance = {noise_variance};
    heard.symbols =
        Var(backend_->from_host({count, 2}, reinterpret_cast<const float*>(payload.data())));
    heard.gains = backend_->from_host({count, 2}, reinterpret_cast<const float*>(gains.data()));
    heard.noise_variance = backend_->from_host({count}, variance.data());
    heard.starts = burst.starts;
    heard.ledger = burst.ledger;
    heard.mean_gain = {std::norm(gain)};
    return heard;
  }

  static float log_noise(double variance) {
    return static_cast<float>(std::log10(std::clamp(variance, 1e-4, 1e3)));
  }

  void hear(const Receiver& receiver, const Burst& burst, const Symbols& on_air,
            std::complex<double> gain, bool noisy, bool positions, bool answers) {
    Composition& net = *net_;
    const Reception heard =
        reception(burst, on_air, host(*backend_, burst.symbols.value()), gain, noisy);
    PooledVector<SemanticHeader> headers;
    const Result real =
        dynamic_cast<const SemanticReceiver&>(receiver).receive(net.pass, heard, &headers);
    ASSERT_FALSE(real.lost[0]);
    const SemanticHeader& read = headers[0];
    symbols_stage(made_, "heard.header", heard.header_symbols[0]);
    if (answers) {
      ASSERT_TRUE(read.answer);
      made_.whole("class", {decisions(*backend_, real)[0]});
      return;
    }
    net.stage("heard.payload", heard.symbols);
    const int k = read.k, S = read.symbols_per_token, widest = net.a.max_symbols_per_token;
    const int grid = net.a.grid();
    const Equalised equalised =
        equalise(net.pass, heard.symbols, heard.gains, heard.noise_variance, Equaliser::mmse);
    net.stage("receiver.equalised", equalised.symbols);
    net.stage("receiver.variance", Var(equalised.variance));

    // All gains are equal here, so every mean of variances is any of them.
    const float noise = log_noise(host(*backend_, equalised.variance)[0]);
    const Var c = net.condition(
        "receiver.condition",
        {noise, static_cast<float>(k) / static_cast<float>(grid),
         static_cast<float>(read.exit_depth) / static_cast<float>(net.a.transmitter_blocks),
         std::log2(static_cast<float>(S)) / 4, positions ? 1.0f : 0.0f});
    PooledVector<std::int32_t> symbol;
    for (int t = 0; t < k; ++t)
      for (int s = 0; s < widest; ++s) symbol.push_back(s < S ? t * S + s : -1);
    const Var wide =
        reshape(net.pass, gather_rows(net.pass, equalised.symbols, symbol), {k, 2 * widest});
    const std::vector<float> noises(static_cast<std::size_t>(std::max(k, grid)), noise);
    const Var token_noise(backend_->from_host({k, 1}, noises.data()));
    const Var input =
        net.stage("receiver.demapper.input", concat_columns(net.pass, wide, token_noise));
    const Var hidden = net.linear("receiver.demapper.fc1", input, Activation::gelu);
    const Var demapped =
        net.stage("receiver.demapped", net.linear("receiver.demapper.fc2", hidden));

    Tokens x{demapped, nullptr};
    PooledVector<std::int32_t> source, place;
    const bool rebuilds = positions && net.a.image_head;
    const int rows = rebuilds ? grid : k;
    for (std::int32_t p = 0, arrived = 0; p < rows; ++p) {
      const bool here =
          !rebuilds || (arrived < k && read.positions[static_cast<std::size_t>(arrived)] == p);
      source.push_back(here ? arrived++ : k);
      place.push_back(positions ? p : grid);
    }
    x.rows = gather_rows(net.pass, concat_rows(net.pass, {demapped, net.value("receiver.missing")}),
                         source);
    x.rows = net.stage("receiver.placed",
                       add_rows(net.pass, x.rows, net.value("receiver.position"), place));
    x.layout = Ragged::full(1, rows);
    const Var row_noise(backend_->from_host({rows, 1}, noises.data()));
    net.stage("receiver.noise", row_noise, {rows});
    for (int b = 0; b < net.a.receiver_blocks; ++b)
      x = net.expert_block("receiver.blocks." + std::to_string(b), x, row_noise, c);
    const std::vector<float> logits = net.class_head("receiver.class_head", x, c);
    made_.whole("class", {largest(logits)});
    expect_equal(logits, host(*backend_, real.logits.value()), "logits");
    EXPECT_EQ(decisions(*backend_, real)[0], largest(logits));
    ASSERT_EQ(rebuilds, !real.rebuilt.empty());
    if (!rebuilds) return;

    const std::string head = "receiver.image_head";
    const Var normed = net.norm(head + ".norm", x, c);
    const Var inner =
        net.stage(head + ".hidden", net.linear(head + ".fc1", normed, Activation::gelu));
    const Var patches = net.stage(head + ".patches", net.linear(head + ".fc2", inner));
    expect_equal(host(*backend_, patches.value()), host(*backend_, real.patches.value()),
                 "patches");
    std::vector<float> rebuilt(static_cast<std::size_t>(side) * side);
    image_from_patches(net.a, host(*backend_, real.patches.value()).data(), rebuilt.data());
    made_.stage("receiver.image", {side, side, 1}, rebuilt.data());
  }

  std::unique_ptr<Backend> backend_;
  Checkpoint checkpoint_;
  Case made_;
  std::unique_ptr<Composition> net_;
  Tensor image_;
};

/// The page's cases.
inline Json given_of(const std::string& name) {
  const auto header = [](double snr_db, int k, int every) {
    return Json{{"pair", "header"}, {"grid", 49},     {"believed_snr_db", snr_db}, {"depth", 3},
                {"k", k},           {"every", every}, {"symbols_per_token", 11}};
  };
  if (name == "header_qpsk") return header(6, 15, 3);
  if (name == "header_repeated") return header(1, 20, 2);
  if (name == "header_robust") return header(-6, 49, 1);
  if (name == "fashion_classifier")
    return {{"pair", "label"}, {"believed_snr_db", believed_snr_db}};
  const Json clean{{"name", "clean"}, {"gain", {1, 0}}, {"noise", "none"}};
  const Json noisy{{"name", "noisy"}, {"gain", {1, 0}}, {"noise", "turning"}};
  const Json faded{{"name", "faded"}, {"gain", {0.6, -0.9}}, {"noise", "turning"}};
  Json given{{"pair", "semantic"},
             {"depth", 4},
             {"believed_snr_db", believed_snr_db},
             {"noise_variance", noise_variance},
             {"exit", {{"kind", "fixed"}}}};
  if (name == "dense") {
    given.update(
        {{"gate", "random"},
         {"gate_at", {0, 2}},
         {"keep", 0.3},
         {"depth", 1},
         {"symbols_per_token", 3},
         {"positions", "sent"},
         {"receptions", Json::array({noisy})},
         {"draws", {{"seed", draws.seed}, {"image", draws.images[0]}, {"visit", draws.visit}}}});
    return given;
  }
  given["gate"] = "learned";
  const bool image = name == "fashion";
  given["keep"] = image ? 0.5 : 0.25;
  given["symbols_per_token"] = image ? 8 : 4;
  given["positions"] = image ? "sent" : "none";
  given["gate_at"] = Json::array({image ? 0 : 2});
  given["receptions"] = image ? Json::array({clean, noisy, faded}) : Json::array({noisy});
  if (name == "fashion_class_answer")
    given["exit"] = {{"kind", "confidence"}, {"threshold", 0.05}, {"from", 1}, {"answer", true}};
  return given;
}

}  // namespace semwave
