#include "core/nn/architecture.h"

#include <algorithm>

#include "core/base/error.h"

namespace semwave {

namespace {

void token_grid(const Architecture& a, int& height, int& width) {
  height = a.height;
  width = a.width;
  for (const TokeniserStage& stage : a.tokeniser) {
    height = stage.out(height);
    width = stage.out(width);
  }
}

Field integer(const std::string& name, const std::string& summary, int fallback, int minimum,
              int maximum) {
  return {.name = name,
          .type = FieldType::integer,
          .summary = summary,
          .fallback = fallback,
          .minimum = double(minimum),
          .maximum = double(maximum)};
}

void check_parameters(const Architecture& a, const Place& place) {
  constexpr double largest = 1 << 28;  // 1 GiB of floats
  if (a.least_parameters() > largest)
    throw Error(place.str(),
                "has more than 2^28 parameters; make dim, hidden, blocks or experts smaller");
}

/// Of a network for pictures of any size: its tokeniser leaves a token for each stride() pixels, so
/// that the image head can go the same way back.
void check_any_size(const Architecture& a, const Place& place) {
  for (std::size_t i = 0; i < a.tokeniser.size(); ++i) {
    const auto& [channels, window, max_pool] = a.tokeniser[i];
    const Place stage = place / "tokeniser" / std::to_string(i);
    if (max_pool != 1)
      throw Error((stage / "max_pool").str(), "must be 1 where pictures have any size");
    if (window.kernel % 2 == 0 || window.padding != window.kernel / 2)
      throw Error((stage / "padding").str(),
                  "pictures of any size need an odd kernel and half of it, rounded down, as "
                  "padding; found kernel " +
                      std::to_string(window.kernel) + " and padding " +
                      std::to_string(window.padding));
    if (window.stride > window.kernel)
      throw Error((stage / "stride").str(), "must be at most the kernel's " +
                                                std::to_string(window.kernel) + ", found " +
                                                std::to_string(window.stride));
  }
  if (const int stride = a.stride(); stride < 4 || stride > 16)
    throw Error((place / "tokeniser").str(),
                "a token must stand for 4 to 16 pixels each way where pictures have any size; "
                "these strides make " +
                    std::to_string(stride));
  check_parameters(a, place);
}

}  // namespace

int Architecture::stride() const {
  int product = 1;
  for (const TokeniserStage& stage : tokeniser)
    product *= stage.window.stride * std::max(1, stage.max_pool);
  return product;
}

Grid Architecture::grid_of(int image_height, int image_width) const {
  if (window == 0) return {grid_height(), grid_width()};
  const int each = stride();
  return {(image_height + each - 1) / each, (image_width + each - 1) / each};
}

int Architecture::grid_height() const {
  int h, w;
  token_grid(*this, h, w);
  return h;
}

int Architecture::grid_width() const {
  int h, w;
  token_grid(*this, h, w);
  return w;
}

double Architecture::least_parameters() const {
  double sum = 0, in = channels;
  for (const TokeniserStage& stage : tokeniser) {
    sum += in * stage.window.kernel * stage.window.kernel * stage.channels;
    in = stage.channels;
  }
  const double attention = 4.0 * dim * dim;
  sum += transmitter_blocks * (attention + 2.0 * dim * transmitter_hidden);
  sum += receiver_blocks * (attention + 2.0 * experts * dim * receiver_hidden);
  sum += double(dim) * classes;
  if (window > 0) {  // the image head is the tokeniser the other way round
    in = channels;
    for (const TokeniserStage& stage : tokeniser) {
      sum += image_head ? in * stage.window.kernel * stage.window.kernel * stage.channels : 0;
      in = stage.channels;
    }
    return sum + (transmitter_blocks + receiver_blocks) * 4.0 * window * window * heads;
  }
  sum += 2.0 * grid() * dim + double(height) * width * channels;
  if (image_head)
    sum += double(dim) * receiver_hidden + double(receiver_hidden) *
                                               (double(height) / grid_height()) *
                                               (double(width) / grid_width()) * channels;
  return sum;
}

const Fields& Architecture::fields() {
  static const Fields fields = [] {
    Fields stage{.summary = "one convolution of the tokeniser"};
    stage.fields = {integer("channels", "output channels", 32, 1, 4096),
                    integer("kernel", "window side", 3, 1, 64),
                    integer("stride", "step of the window", 2, 1, 64),
                    integer("padding", "zeros around the image", 1, 0, 32),
                    integer("max_pool", "stride of a 3x3 max-pool behind it; 1: none", 1, 1, 8)};
    Fields end{.summary = "transmitter backbone"};
    end.fields = {integer("blocks", "transformer blocks", 4, 0, 15),
                  integer("hidden", "width of the feed-forward", 192, 1, 8192),
                  {.name = "exit_heads",
                   .type = FieldType::boolean,
                   .summary = "a class head behind every block, for exits that leave where it is "
                              "sure; trained by train.losses.exit",
                   .fallback = false}};
    Fields other{.summary = "receiver backbone"};
    other.fields = {integer("blocks", "transformer blocks, each with experts", 2, 0, 64),
                    integer("hidden", "width of each expert", 192, 1, 8192),
                    integer("experts", "experts a block; 1 is a dense receiver", 4, 1, 64)};
    Fields all{.summary = "shape of a model"};
    const Field stage_element{.name = "stage",
                              .type = FieldType::object,
                              .summary = "a convolution",
                              .object = std::make_shared<const Fields>(stage)};
    all.fields = {
        {.name = "image",
         .type = FieldType::list,
         .summary = "height, width, channels",
         .fallback = Json::array({28, 28, 1}),
         .element =
             std::make_shared<const Field>(integer("extent", "pixels or channels", 28, 1, 8192))},
        integer("classes", "classes told apart", 10, 2, 100000),
        integer("dim", "width of a token", 96, 8, 4096),
        integer("heads", "attention heads; divides dim", 4, 1, 64),
        {.name = "tokeniser",
         .type = FieldType::list,
         .summary =
             "convolutions, GELU between; the last one has dim channels and gives the token grid",
         .fallback =
             Json::array({{{"channels", 32}, {"kernel", 3}, {"stride", 2}, {"padding", 1}},
                          {{"channels", 96}, {"kernel", 3}, {"stride", 2}, {"padding", 1}}}),
         .element = std::make_shared<const Field>(stage_element)},
        {.name = "transmitter",
         .type = FieldType::object,
         .summary = "sending end",
         .fallback = Json::object(),
         .object = std::make_shared<const Fields>(end)},
        {.name = "receiver",
         .type = FieldType::object,
         .summary = "hearing end",
         .fallback = Json::object(),
         .object = std::make_shared<const Fields>(other)},
        integer("max_symbols_per_token", "largest S of the mapper; above 16 with \"window\" alone",
                16, 1, 64),
        integer("condition_dim", "width of the channel-and-plan condition", 32, 1, 1024),
        integer("window",
                "side of the windows that attention stays in, in tokens; pictures may then have "
                "any size. 0: attention among all tokens, images of one size",
                0, 0, 16),
        {.name = "deepjscc",
         .type = FieldType::object,
         .summary = "a network of the pair deepjscc in place of all this but image and classes; "
                    "image is then the size that need not be told, and any other passes",
         .optional = true,
         .object = std::make_shared<const Fields>(DeepJsccShape::fields())},
        {.name = "image_head",
         .type = FieldType::boolean,
         .summary = "the receiver can rebuild the image",
         .fallback = true},
    };
    return all;
  }();
  return fields;
}

Architecture Architecture::from_json(const Json& resolved, const Place& place) {
  Architecture a;
  const Json& image = resolved.at("image");
  if (image.size() != 3) throw Error((place / "image").str(), "expected [height, width, channels]");
  a.height = image[0];
  a.width = image[1];
  a.channels = image[2];
  a.classes = resolved.at("classes");
  if (resolved.contains("deepjscc")) {
    a.deepjscc = DeepJsccShape::from_json(resolved.at("deepjscc"), a.channels, place / "deepjscc");
    a.transmitter_blocks = a.receiver_blocks = 0;
    a.experts = 1;
    return a;
  }
  a.dim = resolved.at("dim");
  a.heads = resolved.at("heads");
  for (const Json& stage : resolved.at("tokeniser"))
    a.tokeniser.push_back({stage.at("channels").get<int>(),
                           Window{stage.at("kernel").get<int>(), stage.at("stride").get<int>(),
                                  stage.at("padding").get<int>()},
                           stage.at("max_pool").get<int>()});
  a.transmitter_blocks = resolved.at("transmitter").at("blocks");
  a.transmitter_hidden = resolved.at("transmitter").at("hidden");
  a.exit_heads = resolved.at("transmitter").at("exit_heads");
  a.receiver_blocks = resolved.at("receiver").at("blocks");
  a.receiver_hidden = resolved.at("receiver").at("hidden");
  a.experts = resolved.at("receiver").at("experts");
  a.max_symbols_per_token = resolved.at("max_symbols_per_token");
  a.condition_dim = resolved.at("condition_dim");
  a.image_head = resolved.at("image_head");
  a.window = resolved.at("window");

  if (a.tokeniser.empty() || a.tokeniser.size() > 8)
    throw Error((place / "tokeniser").str(), "expected one to eight convolutions");
  if (a.tokeniser.back().channels != a.dim)
    throw Error((place / "tokeniser").str(),
                "the last convolution must have dim = " + std::to_string(a.dim) +
                    " channels, found " + std::to_string(a.tokeniser.back().channels));
  if (a.dim % a.heads != 0)
    throw Error((place / "heads").str(),
                std::to_string(a.heads) + " heads do not divide dim = " + std::to_string(a.dim));
  if (a.window > 0) {
    check_any_size(a, place);
    return a;
  }
  if (a.max_symbols_per_token > 16)
    throw Error((place / "max_symbols_per_token").str(),
                "is at most 16 where images have one size, found " +
                    std::to_string(a.max_symbols_per_token));
  int height = a.height, width = a.width;
  for (const TokeniserStage& stage : a.tokeniser) {
    if (stage.window.kernel > height + 2 * stage.window.padding ||
        stage.window.kernel > width + 2 * stage.window.padding)
      throw Error((place / "tokeniser").str(),
                  "a window is larger than what the convolution before it leaves");
    height = stage.out(height);
    width = stage.out(width);
  }
  if (height * width > 1024)
    throw Error((place / "tokeniser").str(),
                "leaves " + std::to_string(height * width) + " tokens; at most 1024 are supported");
  if (a.image_head && (a.height % height != 0 || a.width % width != 0))
    throw Error((place / "image_head").str(),
                "the token grid " + std::to_string(height) + "x" + std::to_string(width) +
                    " does not divide the image; choose other strides or \"image_head\": false");
  if (a.image_head && a.height / height != a.width / width)
    throw Error((place / "image_head").str(),
                "patches of " + std::to_string(a.height / height) + "x" +
                    std::to_string(a.width / width) +
                    " are not square; choose other strides or \"image_head\": false");
  check_parameters(a, place);
  return a;
}

Json Architecture::to_json() const {
  if (deepjscc)
    return {{"image", {height, width, channels}},
            {"classes", classes},
            {"deepjscc", deepjscc->to_json()}};
  Json stages = Json::array();
  for (const TokeniserStage& s : tokeniser)
    stages.push_back({{"channels", s.channels},
                      {"kernel", s.window.kernel},
                      {"stride", s.window.stride},
                      {"padding", s.window.padding},
                      {"max_pool", s.max_pool}});
  Json all = {{"image", {height, width, channels}},
              {"classes", classes},
              {"dim", dim},
              {"heads", heads},
              {"tokeniser", stages},
              {"transmitter",
               {{"blocks", transmitter_blocks},
                {"hidden", transmitter_hidden},
                {"exit_heads", exit_heads}}},
              {"receiver",
               {{"blocks", receiver_blocks}, {"hidden", receiver_hidden}, {"experts", experts}}},
              {"max_symbols_per_token", max_symbols_per_token},
              {"condition_dim", condition_dim},
              {"image_head", image_head}};
  if (window > 0) all["window"] = window;
  return all;
}

}  // namespace semwave
