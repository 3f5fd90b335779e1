#include "receiver/semantic/semantic_receiver.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "phy/header/header_codec.h"

namespace semwave {

namespace {

constexpr int condition_features = 5;

/// The layout of these images alone; the others have no row.
RaggedPtr only(const Ragged& layout, const PooledVector<std::int32_t>& images) {
  const auto made = make_block_shared<Ragged>();
  for (const std::int32_t image : images) {
    const auto i = static_cast<std::size_t>(image);
    for (std::int32_t r = layout.starts[i]; r < layout.starts[i + 1]; ++r)
      made->append(layout.positions[static_cast<std::size_t>(r)]);
    made->end_image();
  }
  return made;
}

}  // namespace

SemanticReceiver::SemanticReceiver(ParameterSet& set, const Architecture& a,
                                   const SemanticReceiverSettings& settings, const Place& place)
    : backend_(set.backend()),
      architecture_(a),
      settings_(settings),
      condition_(set, "receiver.condition", condition_features, a.condition_dim),
      demap_in_(set, "receiver.demapper.fc1", 2 * a.max_symbols_per_token + 1, a.dim),
      demap_out_(set, "receiver.demapper.fc2", a.dim, a.dim),
      position_(a.window > 0
                    ? nullptr
                    : &set.add("receiver.position", {a.grid() + 1, a.dim}, Init::normal_002)),
      missing_(&set.add("receiver.missing", {1, a.dim}, Init::normal_002)),
      mean_image_(&set.add("receiver.mean_image",
                           a.window > 0 ? Shape{a.channels} : Shape{a.height, a.width, a.channels},
                           Init::zeros)),
      class_head_(set, "receiver.class_head", a.dim, a.classes, a.condition_dim) {
  check(settings, a, place);
  if (a.experts > 1) {
    router_ = routers().make(settings.router, place / "router", set, a);
    router_->check(a, place / "router");
  }
  for (int b = 0; b < a.receiver_blocks; ++b) blocks_.emplace_back(set, b, a);
  if (a.image_head) {
    image_norm_ =
        std::make_unique<LayerNorm>(set, "receiver.image_head.norm", a.dim, a.condition_dim);
    if (a.window > 0) {
      picture_head_ = std::make_unique<PictureHead>(set, "receiver.image_head", a);
      return;
    }
    image_in_ = std::make_unique<Linear>(set, "receiver.image_head.fc1", a.dim, a.receiver_hidden);
    image_out_ = std::make_unique<Linear>(set, "receiver.image_head.fc2", a.receiver_hidden,
                                          a.patch_values());
  }
}

void SemanticReceiver::check(const SemanticReceiverSettings& settings,
                             const Architecture& architecture, const Place& place) {
  if (architecture.experts == 1) return;
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ParameterSet scratch(*backend, 0);
  routers()
      .make(settings.router, place / "router", scratch, architecture)
      ->check(architecture, place / "router");
}

void SemanticReceiver::after_step(const BatchStatistics& statistics) const {
  if (router_) router_->after_step(backend_, statistics);
}

void SemanticReceiver::read_headers(const Pass& pass, const Reception& heard, Work& result) const {
  const std::size_t count = heard.starts.size() - 1;
  // One thing to refer to: the functions handed to find_header() then need no memory of their own.
  struct Words {
    int grid, classes, coding_bits;
    const DigitalLink* link;
    std::int64_t payload_uses(const SemanticPayload& payload) const {
      if (!link) return payload.symbols();
      return link->knows(payload.coding)
                 ? link->uses(link->bits(payload.tokens, payload.symbols_per_token), payload.coding)
                 : -1;
    }
  };
  const Words words{agreed_grid(architecture_), architecture_.classes,
                    settings_.link ? settings_.link->coding_bits() : 0, settings_.link.get()};
  result.headers.resize(count);
  result.lost.assign(count, 0);
  Symbols payload, payload_gains, frame, gains;
  if (heard.headers.empty()) {
    payload.resize(static_cast<std::size_t>(heard.starts.back()));
    payload_gains.resize(payload.size());
    pass.backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(payload.data()));
    pass.backend.to_host(heard.gains, reinterpret_cast<float*>(payload_gains.data()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::optional<SemanticHeader> header;
    if (!heard.headers.empty()) {
      header = read_semantic_header(heard.headers[i].parts, words.grid, words.classes,
                                    words.coding_bits);
    } else {
      // What is known is where the frame begins and how long it is; where the payload begins, the
      // header says.
      const auto whole = [&](const Symbols& first, const Symbols& rest, Symbols& out) {
        out.assign(first.begin(), first.end());
        out.insert(out.end(), rest.begin() + heard.starts[i], rest.begin() + heard.starts[i + 1]);
      };
      whole(heard.header_symbols[i], payload, frame);
      whole(heard.header_gains[i], payload_gains, gains);
      const std::optional<FoundHeader> found = find_header(
          frame, gains, heard.header_noise_variance[i],
          semantic_word_bits(words.grid, words.coding_bits),
          [&words](const Bits& word) {
            return semantic_second_part_bits(word, words.grid, words.classes, words.coding_bits);
          },
          [&words](const Bits& word) {
            return words.payload_uses(semantic_payload(word, words.grid, words.coding_bits));
          });
      // A header read wrongly that puts the payload elsewhere yields nothing but noise: as good as
      // lost.
      if (found && found->uses == static_cast<std::int64_t>(heard.header_symbols[i].size()))
        header = read_semantic_header(found->parts, words.grid, words.classes, words.coding_bits);
    }
    if (!heard.header_erased.empty() && heard.header_erased[i] && heard.headers.empty())
      header.reset();
    if (header && header->symbols_per_token > architecture_.max_symbols_per_token) header.reset();
    // In a training pass of a digital link nothing but the header is on air.
    const std::int64_t symbols = heard.starts[i + 1] - heard.starts[i];
    if (header && !heard.values.defined() &&
        words.payload_uses({header->k, header->symbols_per_token, header->coding}) != symbols)
      header.reset();
    if (header)
      result.headers[i] = *std::move(header);
    else
      result.lost[i] = 1;
  }
  agree_on_size(result);
  for (std::size_t i = 0; i < count; ++i)
    result.answers.push_back(
        result.headers[i].answer && !result.lost[i] ? result.headers[i].decision : -1);
}

PictureSize SemanticReceiver::own_size() const {
  const Architecture& a = architecture_;
  const Grid grid = a.grid_of(a.height, a.width);
  if (a.window == 0) return {.grid_height = grid.height, .grid_width = grid.width};
  return {grid.height, grid.width, a.height - (grid.height - 1) * a.stride(),
          a.width - (grid.width - 1) * a.stride()};
}

void SemanticReceiver::agree_on_size(Work& work) const {
  work.size = own_size();
  if (architecture_.window == 0) return;
  const int stride = architecture_.stride();
  bool found = false;
  PictureSize first;
  for (std::size_t i = 0; i < work.headers.size(); ++i) {
    const SemanticHeader& header = work.headers[i];
    const bool possible = header.size.last_rows <= stride && header.size.last_columns <= stride;
    // A header alone must not make the receiver rebuild a picture of any size.
    if (!possible || (header.k == 0 && !header.answer)) work.lost[i] = 1;
    if (work.lost[i]) continue;
    if (!found) first = header.size;
    found = true;
    if (header.size == work.size) first = work.size;
  }
  if (found) work.size = first;
  for (std::size_t i = 0; i < work.headers.size(); ++i)
    if (!work.lost[i] && work.headers[i].size != work.size) work.lost[i] = 1;
  for (std::size_t i = 0; i < work.headers.size(); ++i)
    if (work.lost[i]) work.headers[i] = {};
}

SemanticReceiver::Features SemanticReceiver::hear(Pass& pass, const Reception& heard,
                                                  const Work& result) const {
  if (settings_.link) return decode(pass, heard, result);
  const Equalised equalised =
      equalise(pass, heard.symbols, heard.gains, heard.noise_variance, settings_.equaliser);
  Features features{
      .symbols = equalised.symbols,
      .variance = PooledVector<float>(static_cast<std::size_t>(equalised.variance.size())),
      .starts = {heard.starts.begin(), heard.starts.end() - 1}};
  pass.backend.to_host(equalised.variance, features.variance.data());
  features.erased = heard.erased;
  return features;
}

SemanticReceiver::Features SemanticReceiver::decode(Pass& pass, const Reception& heard,
                                                    const Work& result) const {
  const DigitalLink& link = *settings_.link;
  const std::size_t count = result.headers.size();
  const auto quantisation =
      static_cast<float>(2 * link.quantiser().error());  // of a symbol: two reals
  Features features;
  if (heard.values.defined()) {  // taken as read
    features.symbols = heard.values;
    features.variance.assign(static_cast<std::size_t>(heard.values.value().rows()), quantisation);
    std::int32_t start = 0;
    for (const SemanticHeader& header : result.headers) {
      features.starts.push_back(start);
      start += header.k * header.symbols_per_token;
    }
    return features;
  }
  Symbols y(static_cast<std::size_t>(heard.starts.back())), gains(y.size());
  PooledVector<float> variance(y.size()), values;
  pass.backend.to_host(heard.symbols.value(), reinterpret_cast<float*>(y.data()));
  pass.backend.to_host(heard.gains, reinterpret_cast<float*>(gains.data()));
  pass.backend.to_host(heard.noise_variance, variance.data());
  for (std::size_t i = 0; i < count; ++i) {
    features.starts.push_back(static_cast<std::int32_t>(values.size() / 2));
    const SemanticHeader& header = result.headers[i];
    if (result.lost[i] || header.k == 0) continue;
    const auto first = static_cast<std::size_t>(heard.starts[i]),
               length = static_cast<std::size_t>(heard.starts[i + 1]) - first;
    const DigitalLink::Heard decoded =
        link.receive(std::span(y).subspan(first, length), std::span(gains).subspan(first, length),
                     std::span(variance).subspan(first, length),
                     link.bits(header.k, header.symbols_per_token), header.coding);
    values.insert(values.end(), decoded.values.begin(), decoded.values.end());
    for (std::size_t v = 0; v < decoded.held.size(); v += 2)
      features.erased.push_back(!decoded.held[v] || !decoded.held[v + 1]);
  }
  features.symbols =
      Var(pass.backend.from_host({static_cast<std::int64_t>(values.size() / 2), 2}, values.data()));
  features.variance.assign(values.size() / 2, quantisation);
  return features;
}

float SemanticReceiver::log_noise(double variance) const {
  const double told = settings_.trained ? settings_.trained->variance(variance) : variance;
  return static_cast<float>(std::log10(std::clamp(told, 1e-4, 1e3)));
}

SemanticReceiver::Frame SemanticReceiver::frame(const Features& features, Work& result) const {
  const std::size_t count = result.headers.size();
  const int widest = architecture_.max_symbols_per_token, grid = result.size.tokens();
  const PooledVector<float>& v = features.variance;
  if (!features.erased.empty()) result.tokens_lost.assign(count, 0);
  Frame out;
  out.rebuild.assign(count, 0);
  out.image_noise.assign(count, 0);
  const auto sent = make_block_shared<Ragged>();
  out.sent = sent;
  for (std::size_t i = 0; i < count; ++i) {
    if (result.lost[i]) {
      sent->end_image();
      continue;
    }
    const SemanticHeader& header = result.headers[i];
    out.rebuild[i] = architecture_.image_head && header.positions_sent;
    double image_sum = 0;
    for (int t = 0; t < header.k; ++t) {
      const std::int32_t first = features.starts[i] + t * header.symbols_per_token;
      if (!features.erased.empty()) {
        const auto begin = features.erased.begin() + first;
        if (std::find(begin, begin + header.symbols_per_token, 1) !=
            begin + header.symbols_per_token) {
          ++result.tokens_lost[i];
          continue;
        }
      }
      double sum = 0;
      for (int s = 0; s < widest; ++s) {
        const bool used = s < header.symbols_per_token;
        out.symbol.push_back(used ? first + s : -1);
        if (used) sum += v[static_cast<std::size_t>(first + s)];
      }
      image_sum += sum / header.symbols_per_token;
      out.noise.push_back(log_noise(sum / header.symbols_per_token));
      sent->append(header.positions_sent && !header.positions.empty()
                       ? header.positions[static_cast<std::size_t>(t)]
                       : t % grid);
    }
    sent->end_image();
    const int arrived = sent->rows_of(static_cast<int>(i));
    out.image_noise[i] = arrived > 0 ? log_noise(image_sum / arrived) : log_noise(1);
  }
  return out;
}

Tokens SemanticReceiver::place_tokens(Pass& pass, const Var& demapped, Frame& frame,
                                      const Work& result, Var& noise) const {
  const Ragged& sent = *frame.sent;
  const std::size_t count = result.headers.size();
  const int grid = result.size.tokens();
  const bool fills =
      std::find(frame.rebuild.begin(), frame.rebuild.end(), 1) != frame.rebuild.end();
  PooledVector<std::int32_t> source, place;
  PooledVector<float> row_noise;
  const auto placed = make_block_shared<Ragged>();
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t r = sent.starts[i];
    const std::int32_t end = sent.starts[i + 1];
    if (!frame.rebuild[i]) {
      for (; r < end; ++r) {
        const std::int32_t position = sent.positions[static_cast<std::size_t>(r)];
        source.push_back(r);
        place.push_back(result.headers[i].positions_sent ? position : grid);
        row_noise.push_back(frame.noise[static_cast<std::size_t>(r)]);
        placed->append(position);
      }
      placed->end_image();
      continue;
    }
    for (std::int32_t position = 0; position < grid; ++position) {
      const bool here = r < end && sent.positions[static_cast<std::size_t>(r)] == position;
      source.push_back(here ? r : sent.rows());
      row_noise.push_back(here ? frame.noise[static_cast<std::size_t>(r)] : frame.image_noise[i]);
      place.push_back(position);
      placed->append(position);
      if (here) ++r;
    }
    placed->end_image();
  }
  const Var rows =
      fills ? gather_rows(pass, concat_rows(pass, {demapped, pass.parameter(*missing_)}), source)
            : demapped;
  noise = Var(
      pass.backend.from_host({static_cast<std::int64_t>(row_noise.size()), 1}, row_noise.data()));
  return {position_ ? add_rows(pass, rows, pass.parameter(*position_), place) : rows, placed};
}

Result SemanticReceiver::receive(Pass& pass, const Reception& heard) const {
  return receive(pass, heard, nullptr);
}

Result SemanticReceiver::receive(Pass& pass, const Reception& heard,
                                 PooledVector<SemanticHeader>* headers) const {
  Work work = work_on(pass, heard);
  if (headers) *headers = std::move(work.headers);
  return work;
}

SemanticReceiver::Work SemanticReceiver::work_on(Pass& pass, const Reception& heard) const {
  Work result;
  read_headers(pass, heard, result);
  const std::size_t count = result.headers.size();
  const Features features = hear(pass, heard, result);
  Frame f = frame(features, result);

  // Demap: I/Q of a token, zeros beyond its rate, beside its noise.
  const std::int64_t rows = f.sent->rows();
  const Var symbols = reshape(pass, gather_rows(pass, features.symbols, f.symbol),
                              {rows, 2 * architecture_.max_symbols_per_token});
  const Var sent_noise(pass.backend.from_host({rows, 1}, f.noise.data()));
  const Var demapped = demap_out_(
      pass, demap_in_(pass, concat_columns(pass, symbols, sent_noise), Activation::gelu));

  // For an image that the transmitter has decided itself nothing is computed.
  PooledVector<std::int32_t> open, place;
  for (std::size_t i = 0; i < count; ++i) {
    place.push_back(result.headers[i].answer ? -1 : static_cast<std::int32_t>(open.size()));
    if (!result.headers[i].answer) open.push_back(static_cast<std::int32_t>(i));
  }
  result.expert_rows.assign(static_cast<std::size_t>(architecture_.experts), 0);
  if (open.empty() && count > 0) {
    result.logits =
        Var(pass.backend.zeros({static_cast<std::int64_t>(count), architecture_.classes}));
    return result;
  }
  const bool all_open = open.size() == count;

  PooledVector<float> conditions;
  for (const std::int32_t image : open) {
    const auto i = static_cast<std::size_t>(image);
    const SemanticHeader& header = result.headers[i];
    conditions.push_back(f.image_noise[i]);
    conditions.push_back(static_cast<float>(f.sent->rows_of(image)) /
                         static_cast<float>(result.size.tokens()));
    conditions.push_back(static_cast<float>(header.exit_depth) /
                         static_cast<float>(std::max(1, architecture_.transmitter_blocks)));
    conditions.push_back(std::log2(static_cast<float>(header.symbols_per_token)) / 4);
    conditions.push_back(header.positions_sent ? 1.0f : 0.0f);
  }
  const Var open_condition = condition_(pass, conditions);
  const Var condition = all_open ? open_condition : gather_rows(pass, open_condition, place);

  Var noise;
  Tokens x = place_tokens(pass, demapped, f, result, noise);
  for (const ExpertBlock& block : blocks_) {
    RoutedBlock routed;
    x = block(pass, x, noise, condition, router_.get(), &routed, result.grid());
    for (int e = 0; e < routed.routing.experts; ++e) {
      const auto at = static_cast<std::size_t>(e);
      result.expert_rows[at] +=
          routed.routing.group_starts[at + 1] - routed.routing.group_starts[at];
    }
    if (pass.recording() && routed.routing.experts > 0) result.routed.push_back(std::move(routed));
  }
  result.logits =
      all_open
          ? class_head_(pass, x, condition)
          : gather_rows(pass, class_head_(pass, {x.rows, only(*x.layout, open)}, open_condition),
                        place);

  PooledVector<std::int32_t> image_rows;
  for (std::size_t i = 0; i < count; ++i)
    if (f.rebuild[i]) {
      result.rebuilt.push_back(static_cast<std::int32_t>(i));
      for (std::int32_t r = x.layout->starts[i]; r < x.layout->starts[i + 1]; ++r)
        image_rows.push_back(r);
    }
  if (result.rebuilt.empty()) return result;
  const Var rebuilt = rebuild(pass, x, condition, std::move(image_rows), result);
  (picture_head_ ? result.pictures : result.patches) = rebuilt;
  return result;
}

Var SemanticReceiver::rebuild(Pass& pass, const Tokens& x, const Var& condition,
                              PooledVector<std::int32_t> rows, const Work& work) const {
  const bool all = static_cast<int>(rows.size()) == x.layout->rows();
  const Var normed = (*image_norm_)(pass, x.rows, x.layout, condition);
  if (!picture_head_) {
    const Var patches = (*image_out_)(pass, (*image_in_)(pass, normed, Activation::gelu));
    return all ? patches : gather_rows(pass, patches, std::move(rows));
  }
  const int stride = architecture_.stride();
  return (*picture_head_)(pass, all ? normed : gather_rows(pass, normed, std::move(rows)),
                          work.grid(), (work.size.grid_height - 1) * stride + work.size.last_rows,
                          (work.size.grid_width - 1) * stride + work.size.last_columns);
}

std::vector<float> SemanticReceiver::mean_image() const {
  std::vector<float> out(static_cast<std::size_t>(mean_image_->value.size()));
  backend_.to_host(mean_image_->value, out.data());
  return out;
}

double SemanticReceiver::operations(const HeaderOnAir* on_air) const {
  const Architecture& a = architecture_;
  const std::optional<SemanticHeader> header =
      on_air ? read_semantic_header(on_air->parts, agreed_grid(a), a.classes,
                                    settings_.link ? settings_.link->coding_bits() : 0)
             : std::nullopt;
  if (header && header->answer) return 0;
  const bool told = header && a.window > 0;
  const Grid grid =
      told ? Grid{header->size.grid_height, header->size.grid_width} : a.grid_of(a.height, a.width);
  const double tokens = header ? header->k : 0;
  const bool rebuilds = header && a.image_head && header->positions_sent;
  const double rows = rebuilds ? grid.tokens() : tokens;  // what was not sent is filled in
  double sum = network_operations(tokens, rows, rebuilds, grid);
  for (const ExpertBlock& block : blocks_) sum += block.operations(rows, router_.get(), grid);
  return sum;
}

double SemanticReceiver::network_operations(double tokens, double rows, bool rebuilds,
                                            const Grid& grid) const {
  double sum = condition_.operations() + demap_in_.operations(tokens) +
               demap_out_.operations(tokens) + class_head_.operations(rows);
  if (!rebuilds) return sum;
  sum += image_norm_->operations(rows);
  return sum + (picture_head_ ? picture_head_->operations(grid)
                              : image_in_->operations(rows) + image_out_->operations(rows));
}

bool SemanticReceiver::reads(std::span<const std::complex<float>> symbols,
                             std::span<const std::complex<float>> gains,
                             double noise_variance) const {
  const int grid = agreed_grid(architecture_), classes = architecture_.classes;
  const int coding_bits = settings_.link ? settings_.link->coding_bits() : 0;
  const std::optional<PooledVector<Bits>> parts = decode_header(
      symbols, gains, noise_variance, semantic_word_bits(grid, coding_bits), [&](const Bits& word) {
        return semantic_second_part_bits(word, grid, classes, coding_bits);
      });
  return parts && read_semantic_header(*parts, grid, classes, coding_bits);
}

double SemanticReceiver::dense_operations(int height, int width) const {
  const Grid grid = architecture_.grid_of(height, width);
  const double rows = grid.tokens();
  double sum = network_operations(rows, rows, architecture_.image_head, grid);
  for (const ExpertBlock& block : blocks_) sum += block.dense_operations(rows, router_.get(), grid);
  return sum;
}

}  // namespace semwave
