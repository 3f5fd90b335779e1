// Layouts of ragged token rows.
#include "core/tensor/ragged.h"

namespace semwave {

std::shared_ptr<const Ragged> Ragged::full(int images, int grid) {
  assert(images >= 0 && grid >= 0);
  auto layout = make_block_shared<Ragged>();
  const auto rows = static_cast<std::size_t>(images) * static_cast<std::size_t>(grid);
  layout->starts.reserve(static_cast<std::size_t>(images) + 1);
  layout->positions.reserve(rows);
  layout->image.reserve(rows);
  for (int i = 0; i < images; ++i) {
    for (std::int32_t position = 0; position < grid; ++position) layout->append(position);
    layout->end_image();
  }
  return layout;
}

}  // namespace semwave
