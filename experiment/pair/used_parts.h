// The parts of the code and the tables that something uses (core/numerics.h), as they are found.
#pragma once

#include <concepts>
#include <map>
#include <string>
#include <vector>

#include "channel/numerics.h"
#include "core/numerics.h"
#include "core/tensor/tensor.h"
#include "phy/numerics.h"
#include "phy/transport/modulation_coding.h"
#include "receiver/numerics.h"
#include "transmitter/numerics.h"

namespace semwave {

class UsedParts {
 public:
  template <class... Parts>
  requires(std::same_as<Parts, CodePart>&&...) void add(const Parts&... parts) {
    (version(parts.name, std::to_string(parts.version)), ...);
  }
  void table(const std::string& name, const std::string& sha256) { version(name, sha256); }
  void version(const std::string& name, std::string version) {
    found_.insert_or_assign(name, std::move(version));
  }
  void add(const Component& component) { version(component.name, component.version); }
  void add(const std::vector<Component>& components) {
    for (const Component& one : components) add(one);
  }

  /// Networks of a point: `runs` false where a timeline measures nothing, counts what they would do
  /// and leaves them out.
  void network(DeviceKind device, bool runs);
  /// Every header goes through the convolutional code, whatever carries the payload.
  void header();
  /// Blocks of bits of one coding.
  void blocks(const ModulationCoding& coding);
  /// Blocks whose coding the sender chooses by its predicted loss: any of the list.
  void chosen_blocks(CodingList list);
  void predictions();

  /// By name, each once.
  std::vector<Component> list() const;

 private:
  std::map<std::string, std::string> found_;
};

}  // namespace semwave
