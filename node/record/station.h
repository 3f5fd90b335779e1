// A scenario at one end of the wire: its points, the network of each, and what both ends have to
// agree on before an image goes over.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor/backend.h"
#include "core/tensor/checkpoint.h"
#include "experiment/run/model.h"
#include "experiment/run/outside_training.h"
#include "experiment/scenario/scenario.h"
#include "node/wire/messages.h"

namespace semwave {

class Station {
 public:
  /// Expands the grid and builds every network once. Throws Error for what is wrong with the
  /// scenario, and for what nodes do not do: timelines.
  Station(const Scenario& scenario, Backend& backend);

  const Scenario& scenario() const { return scenario_; }
  const std::vector<Point>& points() const { return points_; }
  const Model& model(std::size_t point) const { return *models_[point]; }
  Backend& backend() const { return backend_; }
  /// Of the classes that the first network decides between, by label; empty where the source does
  /// not say as many.
  std::vector<std::string> class_names() const;
  /// What is worth a warning: SNRs that a model was not trained for.
  std::vector<std::string> warnings() const { return outside_training_.lines(); }
  /// Of all points together: what the scenario says, files by their content (the checkpoints aside,
  /// which the other one holds), and the parts of the code and the tables it uses, as on a
  /// processor.
  const Digest& scenario_digest() const { return scenario_digest_; }
  const Digest& model_digest() const { return model_digest_; }
  /// What the first of them is made of.
  const Statement& statement() const { return statement_; }
  // What is wrong with what somebody else says of an image, in words; empty where it fits the
  // scenario and its network. Everything that comes from a peer or a journal goes through these
  // before a row, a page or an index is made of it.
  /// A burst as it arrives, of a transmitter whose source is `data`: its point, what is on air, and
  /// its truth.
  std::string fault_of(const BurstMessage& burst, const Digest& data) const;
  /// The transmitter's half of a record, of image `image` and data `data` at a point there is.
  std::string fault_of(std::uint32_t point, std::uint32_t image, const Digest& data,
                       const Truth& truth) const;
  /// A whole record: one that is made of an answer, or that a journal holds.
  std::string fault_of(const Record& record) const;
  /// Payload symbols that an image of this point has at most.
  std::int64_t most_symbols(std::size_t point) const { return most_symbols_[point]; }
  /// The identity of a row: as `semwave run` has it.
  std::string sha256_of(std::size_t point, const std::string& data_sha256) const;

 private:
  Scenario scenario_;
  Backend& backend_;
  std::vector<Point> points_;
  std::map<std::string, std::shared_ptr<Model>> networks_;
  std::vector<std::shared_ptr<Model>>
      models_;  // [points]; those that differ in channel or plan share one
  std::vector<std::int64_t> most_symbols_;  // [points]
  Digest scenario_digest_{}, model_digest_{};
  Statement statement_;
  OutsideTraining outside_training_;
};

}  // namespace semwave
