// The shape of a model: what a scenario's model.architecture says and a checkpoint's metadata
// keeps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/config/json.h"
#include "core/nn/deepjscc_shape.h"
#include "core/nn/grid.h"
#include "core/tensor/backend.h"

namespace semwave {

struct TokeniserStage {
  int channels;
  Window window;
  int max_pool =
      1;  // stride of a 3x3 max-pool behind the convolution (CCT's tokeniser has 2); 1: none

  static constexpr Window pool_window(int stride) { return {3, stride, 1}; }
  int out(int in) const {
    return max_pool > 1 ? pool_window(max_pool).out(window.out(in)) : window.out(in);
  }
};

struct Architecture {
  int height = 28, width = 28, channels = 1;
  int classes = 10;
  int dim = 96;
  int heads = 4;
  std::vector<TokeniserStage>
      tokeniser;  // the last stage has `dim` channels; its output grid is the token grid
  int transmitter_blocks = 4;
  int transmitter_hidden = 192;  // of the feed-forward
  bool exit_heads = false;       // a class head behind every transmitter block
  int receiver_blocks = 2;
  int receiver_hidden = 192;  // of each expert
  int experts = 4;            // 1: a dense receiver
  int max_symbols_per_token = 16;
  int condition_dim = 32;
  bool image_head = true;  // the class head is always there
  /// A network of convolutions in place of tokens. Then `image` is the size that both ends know
  /// without being told, blocks are 0, and what is about tokens means nothing.
  std::optional<DeepJsccShape> deepjscc{};
  /// Side of the attention windows, in tokens, of a network of tokens that takes pictures of any
  /// size (core/nn/windows.h). `image` is then the size that forecasts are made for. 0: attention
  /// among all tokens of images of one size.
  int window = 0;

  bool any_size() const { return deepjscc || window > 0; }
  int grid_height() const;
  int grid_width() const;
  int grid() const { return deepjscc ? 0 : grid_height() * grid_width(); }
  /// Tokens of a picture of this size. Its sides are grown to multiples of stride().
  Grid grid_of(int image_height, int image_width) const;
  /// Pixels from one token to the next.
  int stride() const;
  /// Those of this block of either end: every second block has them moved by half a side.
  AttentionWindows windows(int block) const { return {window, block % 2 == 1 ? window / 2 : 0}; }
  /// Pixels an image-head token rebuilds, each way; the grid must divide the image.
  int patch_height() const { return height / grid_height(); }
  int patch_width() const { return width / grid_width(); }
  int patch_values() const { return patch_height() * patch_width() * channels; }

  /// At least this many trained numbers: the large matrices, without biases and modulations.
  double least_parameters() const;

  static const Fields& fields();
  /// From resolved JSON; throws Error at `place` where the numbers do not fit together.
  static Architecture from_json(const Json& resolved, const Place& place);
  Json to_json() const;
};

}  // namespace semwave
