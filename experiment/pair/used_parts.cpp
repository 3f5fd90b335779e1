#include "experiment/pair/used_parts.h"

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
  const bool automatic = coding.code == ChannelCode::automatic,
             polar = automatic || coding.code == ChannelCode::polar;
  add(part::blocks, part::constellations);
  if (coding.check || polar) add(part::crc);
  if (coding.code == ChannelCode::convolutional) add(part::convolutional_code);
  if (automatic || coding.code == ChannelCode::ldpc) {
    add(part::ldpc_code);
    static const std::string shifts = ldpc_tables_sha256();
    if (!coding.file) table("ldpc tables", shifts);  // a file's content is in the digest itself
  }
  if (!polar) return;
  add(part::polar_code, part::capacity);
  static const std::string sequence = polar_tables_sha256();
  table("polar tables", sequence);
}

void UsedParts::chosen_blocks() {
  for (const ModulationCoding& coding : modulation_codings()) blocks(coding);
  predictions();
  static const std::string codings = modulation_codings_sha256();
  table("modulation codings", codings);
}

void UsedParts::predictions() {
  add(part::predicted_loss, part::capacity);
  static const std::string losses = transport_loss_table_sha256();
  table("table of predicted losses", losses);
}

void UsedParts::codec(const std::string& kind) {
  const auto with = [&](const CodePart& codec, const std::string& library) {
    version(codec.name, std::to_string(codec.version) + ", " + library);
  };
  if (kind == "jpeg") with(part::jpeg, jpeg_library());
  if (kind == "webp") with(part::webp, webp_library());
  if (kind == "heic") {
    static const std::string library = heic_library();
    with(part::heic, library);
  }
}

std::vector<Component> UsedParts::list() const {
  std::vector<Component> made;
  for (const auto& [name, version] : found_) made.push_back({name, version});
  return made;
}

}  // namespace semwave
