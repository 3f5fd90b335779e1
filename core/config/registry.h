// One template for everything a scenario may name: a name, a line of summary, parameters, a
// factory. Entries are added in one visible place per interface (no static initialisers); `list`,
// `schema` and `validate` are generated from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/config/json.h"

namespace semwave {

template <typename Made, typename... Context>
class Registry {
 public:
  using Factory = std::function<Made(const Json& parameters,
                                     Context... context)>;  // parameters: resolved, `kind` included

  explicit Registry(std::string what) : what_(std::move(what)) {}

  void add(std::string name, Fields fields, Factory factory) {
    entries_.push_back(
        {std::move(name), std::make_shared<const Fields>(std::move(fields)), std::move(factory)});
  }

  /// A PartError of the factory becomes an Error below the entry: "/uses" is `place` / "uses".
  Made make(const Json& parameters, const Place& place, Context... context) const {
    const std::string& name = parameters.at("kind").get_ref<const std::string&>();
    for (const Entry& entry : entries_) {
      if (entry.name != name) continue;
      try {
        return entry.factory(parameters, context...);
      } catch (const PartError& problem) {
        throw Error(Place{place.file, place.pointer + problem.below()}.str(), problem.message());
      }
    }
    (void)resolve(parameters, field("kind"), place);  // throws with the known names
    throw Error(place.str(), "unknown " + what_ + " '" + name + "'");
  }

  /// The scenario field that names one of the entries.
  Field field(const std::string& key) const {
    Field made{.name = key, .type = FieldType::variant, .summary = what_};
    for (const Entry& entry : entries_) made.kinds.emplace_back(entry.name, entry.fields);
    return made;
  }

  const std::string& what() const { return what_; }
  std::vector<std::pair<std::string, std::string>> list() const {  // name, summary
    std::vector<std::pair<std::string, std::string>> lines;
    for (const Entry& entry : entries_) lines.emplace_back(entry.name, entry.fields->summary);
    return lines;
  }

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const Fields> fields;
    Factory factory;
  };
  std::string what_;
  std::vector<Entry> entries_;
};

}  // namespace semwave
