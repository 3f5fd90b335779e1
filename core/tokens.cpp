// Layouts of ragged token rows.
#include "core/tokens.h"

#include <cassert>

namespace semwave {

std::shared_ptr<const Ragged> Ragged::full(int images, int grid) {
  assert(images >= 0 && grid >= 0);
  auto layout = std::make_shared<Ragged>();
  const auto rows = static_cast<std::size_t>(images) * static_cast<std::size_t>(grid);
  layout->starts.reserve(static_cast<std::size_t>(images) + 1);
  layout->positions.reserve(rows);
  layout->image.reserve(rows);
  layout->starts.push_back(0);
  for (std::int32_t i = 0; i < images; ++i) {
    for (std::int32_t position = 0; position < grid; ++position) {
      layout->positions.push_back(position);
      layout->image.push_back(i);
    }
    layout->starts.push_back((i + 1) * grid);
  }
  return layout;
}

std::shared_ptr<const Ragged> Ragged::of(const std::vector<std::vector<std::int32_t>>& positions) {
  auto layout = std::make_shared<Ragged>();
  layout->starts.reserve(positions.size() + 1);
  layout->starts.push_back(0);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    for (std::size_t j = 0; j < positions[i].size(); ++j) {
      assert(j == 0 || positions[i][j] > positions[i][j - 1]);
      layout->positions.push_back(positions[i][j]);
      layout->image.push_back(static_cast<std::int32_t>(i));
    }
    layout->starts.push_back(static_cast<std::int32_t>(layout->positions.size()));
  }
  return layout;
}

}  // namespace semwave
