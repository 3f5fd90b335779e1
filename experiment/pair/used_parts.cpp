#include "experiment/pair/used_parts.h"

#include <array>

#include "phy/transport/transport_loss.h"

namespace semwave {

void UsedParts::network(DeviceKind device, bool runs) {
  add(part::network);
  if (runs) add(device == DeviceKind::cpu ? part::network_kernels_cpu : part::network_kernels_cuda);
}

void UsedParts::header() {
  add(part::header_codec, part::constellations, part::convolutional_code, part::crc);
  static const std::string tables = header_tables_sha256();
  table("header tables", tables);
}

void UsedParts::blocks(const ModulationCoding& coding) {
  add(part::blocks, part::constellations);
  if (coding.check) add(part::crc);
  if (!coding.modulation.gray()) add(coding.modulation.points().component());
  add(coding.code->components());
}

void UsedParts::chosen_blocks(CodingList list) {
  for (const ModulationCoding& coding : modulation_codings(list)) blocks(coding);
  predictions();
  static const auto codings = [] {
    std::array<std::string, coding_list_names.size()> all;
    for (std::size_t l = 0; l < all.size(); ++l)
      all[l] = modulation_codings_sha256(static_cast<CodingList>(l));
    return all;
  }();
  table("modulation codings", codings[static_cast<std::size_t>(list)]);
}

void UsedParts::predictions() {
  add(part::predicted_loss, part::capacity);
  static const std::string losses = transport_loss_table_sha256();
  table("table of predicted losses", losses);
}

std::vector<Component> UsedParts::list() const {
  std::vector<Component> made;
  for (const auto& [name, version] : found_) made.push_back({name, version});
  return made;
}

}  // namespace semwave
