#include "transmitter/semantic/semantic_transmitter.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/random/random.h"
#include "phy/header/header_codec.h"
#include "phy/header/semantic_header.h"
#include "phy/signal/signal.h"

namespace semwave {

namespace {

constexpr int condition_features = 5;

/// Of images [B, H, W, C], as the header says it.
PictureSize size_of(const Architecture& architecture, const Shape& images) {
  const auto height = static_cast<int>(images[1]), width = static_cast<int>(images[2]);
  const Grid grid = architecture.grid_of(height, width);
  if (architecture.window == 0) return {.grid_height = grid.height, .grid_width = grid.width};
  const int stride = architecture.stride();
  return {grid.height, grid.width, height - (grid.height - 1) * stride,
          width - (grid.width - 1) * stride};
}

bool any(const PooledVector<std::uint8_t>& mask) {
  return std::find(mask.begin(), mask.end(), 1) != mask.end();
}

}  // namespace

SemanticTransmitter::SemanticTransmitter(ParameterSet& set, const Architecture& architecture,
                                         const SemanticTransmitterSettings& settings,
                                         const Place& place)
    : architecture_(architecture),
      settings_(settings),
      place_(place),
      gate_depths_(settings.gate.value("at", std::vector<int>{0})),
      gate_(gates().make(settings.gate, place / "gate", set, architecture)),
      exit_(exits().make(settings.exit, place / "exit", set, architecture)),
      tokeniser_(architecture.window > 0
                     ? std::optional<Tokeniser>()
                     : std::make_optional<Tokeniser>(set, "transmitter.tokeniser", architecture)),
      picture_tokeniser_(architecture.window > 0 ? std::make_optional<PictureTokeniser>(
                                                       set, "transmitter.tokeniser", architecture)
                                                 : std::optional<PictureTokeniser>()),
      condition_(set, "transmitter.condition", condition_features, architecture.condition_dim),
      norm_(set, "transmitter.norm", architecture.dim, architecture.condition_dim),
      mapper_(set, "transmitter.mapper", architecture.dim, 2 * architecture.max_symbols_per_token) {
  for (int b = 0; b < architecture.transmitter_blocks; ++b)
    blocks_.emplace_back(set, "transmitter.blocks." + std::to_string(b), architecture.dim,
                         architecture.heads, architecture.transmitter_hidden,
                         architecture.condition_dim, architecture.windows(b));
  for (int depth = 1; architecture.exit_heads && depth <= architecture.transmitter_blocks; ++depth)
    exit_heads_.emplace_back(set, "transmitter.exits." + std::to_string(depth), architecture.dim,
                             architecture.classes, architecture.condition_dim);
  check(settings, architecture, place);
}

void SemanticTransmitter::check(const SemanticTransmitterSettings& settings,
                                const Architecture& architecture, const Place& place) {
  const std::vector<int> depths = settings.gate.value("at", std::vector<int>{0});
  const std::string at = (place / "gate" / "at").str();
  if (depths.empty()) throw Error(at, "expected at least one depth");
  for (std::size_t i = 0; i < depths.size(); ++i) {
    if (i > 0 && depths[i] <= depths[i - 1]) throw Error(at, "depths must ascend");
    if (depths[i] > architecture.transmitter_blocks)
      throw Error(at, std::to_string(depths[i]) + " is beyond the network's " +
                          std::to_string(architecture.transmitter_blocks) + " transmitter blocks");
  }
  check_gate(settings.gate, depths, architecture, place / "gate");
  check_exit(settings.exit, architecture, place / "exit");
}

void SemanticTransmitter::check(const PooledVector<Plan>& plans) const {
  for (const Plan& plan : plans) {
    if (!(plan.keep_ratio >= 0 && plan.keep_ratio <= 1))
      throw Error((place_ / "policy" / "keep").str(),
                  "must be between 0 and 1, found " + std::to_string(plan.keep_ratio));
    if (plan.exit_depth < 0 || plan.exit_depth > architecture_.transmitter_blocks)
      throw Error((place_ / "policy" / "depth").str(),
                  "the model has " + std::to_string(architecture_.transmitter_blocks) +
                      " transmitter blocks, asked for depth " + std::to_string(plan.exit_depth));
    if (plan.symbols_per_token < 1 || plan.symbols_per_token > architecture_.max_symbols_per_token)
      throw Error((place_ / "policy" / "symbols_per_token").str(),
                  "the model sends 1 to " + std::to_string(architecture_.max_symbols_per_token) +
                      " symbols a token, asked for " + std::to_string(plan.symbols_per_token));
    // An image that leaves before the gate is gated where it leaves.
    if (gate_->drops() && plan.exit_depth < gate_depths_.front() &&
        tokens_to_keep(plan.keep_ratio, architecture_.grid()) < architecture_.grid())
      gate_->check_depth(plan.exit_depth, place_ / "policy" / "depth");
  }
}

Tokens SemanticTransmitter::tokenise(Pass& pass, const Tensor& images) const {
  return tokeniser_ ? (*tokeniser_)(pass, images) : (*picture_tokeniser_)(pass, images);
}

double SemanticTransmitter::tokenising_operations(const Grid& grid) const {
  return tokeniser_ ? tokeniser_->operations() : picture_tokeniser_->operations(grid);
}

Var SemanticTransmitter::condition(Pass& pass, const PooledVector<ChannelState>& states,
                                   const PooledVector<Plan>& plans, const Grid& grid) const {
  PooledVector<float> features;
  features.reserve(plans.size() * condition_features);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Plan& plan = plans[i];
    const double believed =
        settings_.trained ? settings_.trained->snr_db(states[i].snr_db) : states[i].snr_db;
    features.push_back(static_cast<float>(std::clamp(believed, -20.0, 40.0) / 10));
    features.push_back(static_cast<float>(tokens_to_keep(plan.keep_ratio, grid.tokens())) /
                       static_cast<float>(grid.tokens()));
    features.push_back(static_cast<float>(plan.exit_depth) /
                       static_cast<float>(std::max(1, architecture_.transmitter_blocks)));
    features.push_back(std::log2(static_cast<float>(plan.symbols_per_token)) / 4);
    features.push_back(settings_.positions_sent ? 1.0f : 0.0f);
  }
  return condition_(pass, features);
}

SemanticTransmitter::Stream SemanticTransmitter::take(Pass& pass, const Stream& stream,
                                                      const PooledVector<std::uint8_t>& images) {
  const Ragged& layout = *stream.tokens.layout;
  PooledVector<std::int32_t> source;
  const auto taken = make_block_shared<Ragged>();
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (std::int32_t r = layout.starts[i]; images[i] && r < layout.starts[i + 1]; ++r) {
      source.push_back(r);
      taken->append(layout.positions[static_cast<std::size_t>(r)]);
    }
    taken->end_image();
  }
  if (static_cast<int>(source.size()) == layout.rows()) return stream;
  Stream out{{gather_rows(pass, stream.tokens.rows, source), taken}, {}};
  if (stream.tokens.received.defined())
    out.tokens.received = gather_rows(pass, stream.tokens.received, source);
  if (stream.scores.defined()) out.scores = gather_rows(pass, stream.scores, source);
  return out;
}

SemanticTransmitter::Stream SemanticTransmitter::merge(Pass& pass,
                                                       const PooledVector<Stream>& parts,
                                                       int images) {
  PooledVector<const Stream*> filled;
  for (const Stream& part : parts)
    if (part.tokens.layout->rows() > 0) filled.push_back(&part);
  if (filled.empty()) return parts.front();
  if (filled.size() == 1) return *filled.front();

  // Each image is in one part: take its rows from there, images in order.
  PooledVector<Var> rows, scores;
  PooledVector<std::int32_t> offset{0}, score_offset;
  std::int32_t scored = 0;
  for (const Stream* part : filled) {
    rows.push_back(part->tokens.rows);
    offset.push_back(offset.back() + part->tokens.layout->rows());
    score_offset.push_back(part->scores.defined() ? scored : -1);
    if (part->scores.defined()) {
      scores.push_back(part->scores);
      scored += part->tokens.layout->rows();
    }
  }
  PooledVector<std::int32_t> source, score_source;
  const auto merged = make_block_shared<Ragged>();
  for (std::size_t i = 0; i < static_cast<std::size_t>(images); ++i) {
    for (std::size_t p = 0; p < filled.size(); ++p) {
      const Ragged& layout = *filled[p]->tokens.layout;
      for (std::int32_t r = layout.starts[i]; r < layout.starts[i + 1]; ++r) {
        source.push_back(offset[p] + r);
        score_source.push_back(score_offset[p] < 0 ? -1 : score_offset[p] + r);
        merged->append(layout.positions[static_cast<std::size_t>(r)]);
      }
    }
    merged->end_image();
  }
  Stream out{{gather_rows(pass, concat_rows(pass, rows), source), merged}, {}};
  if (!scores.empty()) out.scores = gather_rows(pass, concat_rows(pass, scores), score_source);
  return out;
}

ExitLogits SemanticTransmitter::ask(Pass& pass, const Tokens& tokens, int depth,
                                    const PooledVector<std::uint8_t>& asked,
                                    const Var& condition) const {
  const Ragged& layout = *tokens.layout;
  ExitLogits said{.depth = depth, .images = {}, .logits = {}};
  PooledVector<std::int32_t> source;
  const auto compact = make_block_shared<Ragged>();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!asked[i] || layout.rows_of(static_cast<int>(i)) == 0) continue;
    said.images.push_back(static_cast<std::int32_t>(i));
    for (std::int32_t r = layout.starts[i]; r < layout.starts[i + 1]; ++r) {
      source.push_back(r);
      compact->append(layout.positions[static_cast<std::size_t>(r)]);
    }
    compact->end_image();
  }
  if (said.images.empty()) return said;
  const bool all_rows = compact->rows() == layout.rows(),
             all_images = compact->images() == layout.images();
  const Tokens asked_tokens{all_rows ? tokens.rows : gather_rows(pass, tokens.rows, source),
                            compact};
  said.logits = exit_heads_[static_cast<std::size_t>(depth - 1)](
      pass, asked_tokens, all_images ? condition : gather_rows(pass, condition, said.images));
  return said;
}

void SemanticTransmitter::gate(Pass& pass, Stream& stream, int depth,
                               const PooledVector<std::uint8_t>& needs, const PooledVector<int>& k,
                               const Var& condition, const Grid& grid, TransmitTrace& trace) const {
  if (!gate_->drops() || !any(needs)) return;
  PooledVector<std::uint8_t> others(needs.size());
  for (std::size_t i = 0; i < needs.size(); ++i) others[i] = !needs[i];
  const Stream part = take(pass, stream, needs);
  const Stream rest = take(pass, stream, others);
  const Kept kept = gate_->select(pass, {.tokens = part.tokens,
                                         .depth = depth,
                                         .condition = condition,
                                         .k = k,
                                         .grid = grid.tokens(),
                                         .penalty_scale = trace.penalty_scale});
  if (!trace.scores.defined() && kept.all_scores.defined()) {
    trace.scores = kept.all_scores;
    trace.scored = part.tokens.layout;
  }
  if (kept.penalty.defined()) trace.penalties.push_back(kept.penalty);
  PooledVector<Stream> parts{
      {kept.tokens, gate_->learns() && pass.recording() ? kept.scores : Var{}}};
  if (rest.tokens.layout->rows() > 0 && rest.tokens.layout != part.tokens.layout)
    parts.push_back(rest);
  stream = merge(pass, parts, static_cast<int>(needs.size()));
}

bool SemanticTransmitter::gates_at(int depth, bool leaves) const {
  const bool reached = depth > gate_depths_.back();  // keep was reached at an earlier place
  return !reached && (leaves || std::find(gate_depths_.begin(), gate_depths_.end(), depth) !=
                                    gate_depths_.end());
}

int SemanticTransmitter::asked_at(int depth, bool leaves, double keep_ratio, int tokens) const {
  const auto place =
      std::find(gate_depths_.begin(), gate_depths_.end(), depth) - gate_depths_.begin();
  const double share =
      leaves ? 1.0 : static_cast<double>(place + 1) / static_cast<double>(gate_depths_.size());
  return tokens_to_keep(std::pow(keep_ratio, share), tokens);
}

PooledVector<float> SemanticTransmitter::hear(Pass& pass, const Tokens& tokens, int depth,
                                              const PooledVector<std::uint8_t>& inside,
                                              const PooledVector<Plan>& plans, const Var& condition,
                                              TransmitTrace& trace,
                                              PooledVector<std::int32_t>& place) const {
  std::fill(place.begin(), place.end(), -1);
  if (depth == 0) return {};
  PooledVector<std::uint8_t> asked(inside.size());
  bool rule_asks = false;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    const bool wanted = inside[i] && !pass.training && exit_->asks(depth, plans[i]);
    asked[i] = inside[i] && (wanted || trace.asks_heads);
    rule_asks = rule_asks || wanted;
  }
  if (exit_heads_.empty()) {
    if (rule_asks)
      throw Error((place_ / "exit").str(), "asks the heads of exits, and the model has none");
    return {};
  }
  if (!any(asked)) return {};
  ExitLogits said = ask(pass, tokens, depth, asked, condition);
  PooledVector<float> logits;
  if (rule_asks && !said.images.empty()) {
    logits.resize(static_cast<std::size_t>(said.logits.value().size()));
    pass.backend.to_host(said.logits.value(), logits.data());
    for (std::size_t row = 0; row < said.images.size(); ++row) {
      const auto image = static_cast<std::size_t>(said.images[row]);
      if (exit_->asks(depth, plans[image])) place[image] = static_cast<std::int32_t>(row);
    }
  }
  if (trace.asks_heads && !said.images.empty()) trace.exits.push_back(std::move(said));
  return logits;
}

SemanticTransmitter::Stream SemanticTransmitter::select(Pass& pass, const Tensor& images,
                                                        const PooledVector<ChannelState>& states,
                                                        const PooledVector<Plan>& plans,
                                                        const Var& condition, const Grid& grid,
                                                        TransmitTrace& trace) const {
  const std::size_t count = plans.size();
  const auto classes = static_cast<std::size_t>(architecture_.classes);
  const bool score_all = pass.recording() && gate_->learns();
  PooledVector<std::uint8_t> inside(count, 1), needs(count), leaving(count), sending(count),
      staying(count);
  PooledVector<int> k(count);
  PooledVector<std::int32_t> heard(count);  // row of an image's logits, -1: its head was not asked
  PooledVector<PooledVector<float>> words(count);  // of all heads an image was asked at
  trace.exit_depth.assign(count, 0);
  trace.answer.assign(count, -1);
  PooledVector<Stream> left;
  Stream stream{tokenise(pass, images), {}};
  for (int depth = 0;; ++depth) {
    const PooledVector<float> logits =
        hear(pass, stream.tokens, depth, inside, plans, condition, trace, heard);
    for (std::size_t i = 0; i < count; ++i) {
      HeardHeads said;
      if (heard[i] >= 0) {
        const auto word =
            std::span(logits).subspan(static_cast<std::size_t>(heard[i]) * classes, classes);
        words[i].insert(words[i].end(), word.begin(), word.end());
        said = HeardHeads(words[i], architecture_.classes, states[i].snr_db);
      }
      const bool asks_out = inside[i] && exit_->leaves(depth, plans[i], said);
      const bool sent_out = !trace.leave_at.empty() && depth >= trace.leave_at[i];
      leaving[i] = inside[i] && (asks_out || sent_out || depth >= plans[i].exit_depth ||
                                 depth == architecture_.transmitter_blocks);
      staying[i] = inside[i] && !leaving[i];
      const bool answers = asks_out && !said.empty() && exit_->answers();
      if (answers) trace.answer[i] = exit_->answer(said);
      sending[i] = leaving[i] && !answers;
      k[i] = asked_at(depth, leaving[i], plans[i].keep_ratio, grid.tokens());
      needs[i] = inside[i] && !answers && gates_at(depth, leaving[i]) &&
                 (score_all || k[i] < stream.tokens.layout->rows_of(static_cast<int>(i)));
      if (leaving[i]) trace.exit_depth[i] = depth;
    }
    gate(pass, stream, depth, needs, k, condition, grid, trace);
    inside = staying;
    if (any(sending) || (!any(inside) && left.empty())) left.push_back(take(pass, stream, sending));
    if (!any(inside)) break;
    stream = take(pass, stream, inside);
    stream.tokens = blocks_[static_cast<std::size_t>(depth)](
        pass, stream.tokens, condition, grid,
        gate_->wants_received() && depth < gate_depths_.back());
  }
  return merge(pass, left, static_cast<int>(count));
}

Burst SemanticTransmitter::transmit(Pass& pass, const Tensor& images,
                                    const PooledVector<ChannelState>& states,
                                    const PooledVector<Plan>& plans, TransmitTrace* trace) const {
  check(plans);
  const std::size_t count = plans.size();
  const PictureSize size = size_of(architecture_, images.shape());
  const Grid grid{size.grid_height, size.grid_width};
  const Var c = condition(pass, states, plans, grid);
  TransmitTrace own;
  if (!trace) trace = &own;
  const Stream sent = select(pass, images, states, plans, c, grid, *trace);
  const Ragged& layout = *sent.tokens.layout;
  trace->layout = sent.tokens.layout;

  const std::int32_t widest = architecture_.max_symbols_per_token;
  Var mapped = mapper_(pass, norm_(pass, sent.tokens.rows, sent.tokens.layout, c));
  if (sent.scores.defined()) mapped = straight_through(pass, mapped, sent.scores);

  const DigitalLink* const link = settings_.link.get();
  Burst burst;
  burst.starts.push_back(0);
  PooledVector<std::int32_t> source, segments{0};
  PooledVector<SemanticHeader> headers;
  for (std::size_t i = 0; i < count; ++i) {
    const int symbols = plans[i].symbols_per_token, k = layout.rows_of(static_cast<int>(i));
    SemanticHeader header{.exit_depth = trace->exit_depth[i],
                          .symbols_per_token = symbols,
                          .positions_sent = settings_.positions_sent,
                          .k = k};
    if (trace->answer[i] >= 0)
      header = {.exit_depth = trace->exit_depth[i],
                .answer = true,
                .decision = trace->answer[i],
                .positions_sent = false};
    header.size = size;
    for (std::int32_t r = layout.starts[i]; r < layout.starts[i + 1]; ++r) {
      const std::int32_t position = layout.positions[static_cast<std::size_t>(r)];
      if (settings_.positions_sent) header.positions.push_back(position);
      for (int s = 0; s < symbols; ++s) {
        source.push_back(r * widest + s);
        burst.places.push_back(position * symbols + s);
        if (settings_.power == PowerScope::symbol)
          segments.push_back(static_cast<std::int32_t>(source.size()));
      }
      if (settings_.power == PowerScope::token)
        segments.push_back(static_cast<std::int32_t>(source.size()));
    }
    if (settings_.power == PowerScope::image)
      segments.push_back(static_cast<std::int32_t>(source.size()));
    burst.starts.push_back(static_cast<std::int32_t>(source.size()));
    burst.symbols_per_token.push_back(symbols);

    Ledger ledger;
    if (link) {
      header.coding = link->choose(link->bits(k, symbols), states[i].snr_db);
      ledger = link->ledger(link->bits(k, symbols), header.coding);
    } else {
      ledger.payload = burst.starts[i + 1] - burst.starts[i];
    }
    HeaderOnAir on_air = semantic_header_on_air(header, agreed_grid(architecture_),
                                                states[i].snr_db, link ? link->coding_bits() : 0);
    ledger.header = header_uses(on_air);
    burst.headers.push_back(std::move(on_air));
    burst.ledger.push_back(ledger);
    if (link) headers.push_back(std::move(header));
  }
  const Var all = reshape(pass, mapped, {std::int64_t{layout.rows()} * widest, 2});
  const Var features = unit_power(pass, gather_rows(pass, all, source), segments);
  if (link)
    send_digitally(pass, features, burst, headers, trace->hardness);
  else
    burst.symbols = features;
  return burst;
}

void SemanticTransmitter::send_digitally(Pass& pass, const Var& features, Burst& burst,
                                         const PooledVector<SemanticHeader>& headers,
                                         double hardness) const {
  const PooledVector<std::int32_t> starts =
      std::move(burst.starts);  // of the features of each image
  burst.starts.assign(starts.size(), 0);
  burst.places.clear();
  burst.symbols_per_token.clear();
  if (pass.training) {
    burst.values = soft_to_hard(pass, features, settings_.link->quantiser(), hardness);
    for (Ledger& ledger : burst.ledger) ledger.payload = ledger.parity = 0;
    return;
  }
  PooledVector<float> values(static_cast<std::size_t>(2 * starts.back()));
  pass.backend.to_host(features.value(), values.data());
  Symbols sent;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto first = static_cast<std::size_t>(2 * starts[i]),
               last = static_cast<std::size_t>(2 * starts[i + 1]);
    const Symbols symbols =
        settings_.link->send(std::span(values).subspan(first, last - first), headers[i].coding);
    sent.insert(sent.end(), symbols.begin(), symbols.end());
    for (std::size_t s = 0; s < symbols.size(); ++s)
      burst.places.push_back(static_cast<std::int32_t>(s));
    burst.starts[i + 1] = static_cast<std::int32_t>(sent.size());
  }
  burst.symbols = Var(pass.backend.from_host({static_cast<std::int64_t>(sent.size()), 2},
                                             reinterpret_cast<const float*>(sent.data())));
}

std::optional<Forecast> SemanticTransmitter::forecast(const ChannelState& state, const Plan& plan,
                                                      std::uint32_t image) const {
  if (exit_->looks() || gate_->looks()) return std::nullopt;
  check({plan});
  const Grid sides = architecture_.grid_of(architecture_.height, architecture_.width);
  const int grid = sides.tokens(), blocks = architecture_.transmitter_blocks;
  Forecast made;
  made.exit_depth = plan.exit_depth;
  made.operations = tokenising_operations(sides) + condition_.operations();
  // As select(): what is skipped costs nothing.
  int rows = grid;
  for (int depth = 0;; ++depth) {
    const bool leaves = depth >= plan.exit_depth || depth == blocks;
    const int k = gates_at(depth, leaves) ? asked_at(depth, leaves, plan.keep_ratio, grid) : rows;
    if (gate_->drops() && k < rows) {
      made.operations += gate_->scoring_operations(rows);
      rows = k;
    }
    if (leaves) break;
    made.operations += blocks_[static_cast<std::size_t>(depth)].operations(rows, sides);
  }
  made.operations += norm_.operations(rows) + mapper_.operations(rows);

  made.tokens = rows;
  SemanticHeader header{
      .exit_depth = plan.exit_depth,
      .symbols_per_token = plan.symbols_per_token,
      .positions_sent = settings_.positions_sent,
      .k = rows,
      .size = size_of(architecture_, {1, architecture_.height, architecture_.width, 1})};
  // Any k of the grid alike, as in a real header: how well a code word is heard depends on its bits
  // where the phase is known badly.
  for (int t = 0, left = rows; settings_.positions_sent && left > 0; ++t)
    if (uniform(philox(0, Purpose::gate, image, 0, static_cast<std::uint32_t>(t))[0]) * (grid - t) <
        left) {
      header.positions.push_back(t);
      --left;
    }
  if (settings_.link) {
    const std::int64_t bits = settings_.link->bits(rows, plan.symbols_per_token);
    header.coding = settings_.link->choose(bits, state.snr_db);
    made.uses = settings_.link->ledger(bits, header.coding);
  } else {
    made.uses.payload = std::int64_t{rows} * plan.symbols_per_token;
  }
  made.header = semantic_header_on_air(header, agreed_grid(architecture_), state.snr_db,
                                       settings_.link ? settings_.link->coding_bits() : 0);
  made.uses.header = header_uses(made.header);
  return made;
}

double SemanticTransmitter::dense_operations(int height, int width) const {
  const Grid grid = architecture_.grid_of(height, width);
  const double rows = grid.tokens();
  double sum = tokenising_operations(grid) + condition_.operations();
  for (const Block& block : blocks_) sum += block.operations(rows, grid);
  return sum + norm_.operations(rows) + mapper_.operations(rows);
}

}  // namespace semwave
