#include "experiment/train/trainer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/input_file.h"
#include "core/base/sha256.h"
#include "core/data/picture.h"
#include "core/random/random.h"
#include "core/tensor/optimiser.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/images.h"
#include "experiment/train/training_step.h"

namespace semwave {

namespace {

constexpr int reports_an_epoch = 20;  // lines of training.jsonl between two epoch ends

using Clock = std::chrono::steady_clock;

/// Of training.jsonl: what a kill cut is no line.
bool is_of_step_up_to(const std::string& line, std::int64_t last) {
  try {
    const Json value = parse_json(line, "");
    const auto step = value.is_object() ? value.find("step") : value.end();
    return step != value.end() && step->is_number_integer() && step->get<std::int64_t>() <= last;
  } catch (const Error&) {
    return false;
  }
}

class Trainer {
 public:
  Trainer(const Scenario& scenario, Backend& backend, ThreadPool& pool, const TrainOptions& options)
      : scenario_(scenario),
        settings_(scenario.train.value()),
        backend_(backend),
        pool_(pool),
        options_(options),
        data_(load_dataset(scenario.source)),
        validation_(load_validation(scenario)),
        model_(make_model_to_train(scenario, backend)),
        batch_(scenario, model_, data_, pool, options.shard) {
    check_against(scenario, model_.architecture);
    check_images(*scenario.pair, model_.architecture, data_, scenario.place("/source"));
    check_patches();
    if (scenario.source.split == Split::test || scenario.source.split == Split::validation)
      throw Error(scenario.place("/source/split").str(),
                  "is for reporting only; train on train or all_train");
    if (settings_.image_weight > 0 && !model_.rebuilds && scenario.positions_sent)
      throw Error(scenario.place("/train/losses/image").str(), "the model has no image head");
    if (settings_.image_weight > 0 && !scenario.positions_sent)
      throw Error(scenario.place("/train/losses/image").str(),
                  "a rebuilt image needs \"positions\": \"sent\"");
    if (!model_.classifier && scenario.gate.at("kind") == "learned" &&
        scenario.power != PowerScope::image && settings_.gate_weight == 0)
      throw Error(scenario.place("/train/losses/gate").str(),
                  "must be positive: with this power scope the straight-through gradient is zero "
                  "and the gate would never learn");
    check_policy(scenario, "");  // the network that comes out is another one
    for (const std::string& prefix : settings_.freeze)
      if (std::none_of(model_.parameters->all().begin(), model_.parameters->all().end(),
                       [&](const Parameter& p) { return p.name.starts_with(prefix); }))
        throw Error(scenario.place("/train/freeze").str(),
                    "no parameter begins with '" + prefix +
                        "'; they begin with transmitter., receiver. or classifier.");
    steps_an_epoch_ = patches() / settings_.batch;
    if (steps_an_epoch_ == 0)
      throw Error(scenario.place("/train/batch").str(),
                  "a batch of " + std::to_string(settings_.batch) + " is larger than the " +
                      std::to_string(patches()) + " training images");
    total_steps_ = static_cast<std::int64_t>(settings_.epochs) * steps_an_epoch_;
    if (!settings_.initial.empty())
      load_initial(*model_.parameters, read_checkpoint(settings_.initial), settings_.initial);
    else
      set_mean_image();
    OptimiserSettings o{
        .learning_rate = settings_.learning_rate,
        .warmup_steps = static_cast<std::int64_t>(settings_.warmup_epochs * steps_an_epoch_),
        .total_steps = total_steps_,
        .floor_ratio = settings_.floor,
        .weight_decay = settings_.weight_decay,
        .beta1 = settings_.beta1,
        .beta2 = settings_.beta2,
        .clip_norm = settings_.clip,
        .frozen = settings_.freeze};
    o.frozen.push_back("receiver.mean_image");
    optimiser_ = std::make_unique<Optimiser>(*model_.parameters, o, &pool_);
    std::filesystem::create_directories(options_.out);
    if (options_.resume) restore();
    model_.parameters->pack(true);
  }

  bool run();

 private:
  static Dataset load_validation(const Scenario& scenario) {
    if (scenario.train->validate_images == 0) return {};
    DatasetRequest request = scenario.source;
    request.split = Split::validation;
    request.count = 0;
    if (scenario.validation)
      request = *scenario.validation;
    else if (scenario.source.split == Split::all_train)
      return {};  // none is left apart
    Dataset data = load_dataset(request);
    data.keep_first(scenario.train->validate_images);
    return data;
  }
  /// What a training sees in an epoch.
  int patches() const { return data_.count() * settings_.patches; }
  void check_patches() const;
  std::string path(const char* name) const {
    return (std::filesystem::path(options_.out) / name).string();
  }
  void set_mean_image();
  std::vector<std::int32_t> shuffled(int epoch) const;
  void step(std::int64_t step);
  void report(bool epoch_end);
  void save() const;
  void restore();
  std::string scenario_hash() const;  // of everything a training depends on

  const Scenario& scenario_;
  const TrainSettings& settings_;
  Backend& backend_;
  ThreadPool& pool_;
  const TrainOptions& options_;
  Dataset data_, validation_;
  Model model_;
  TrainingStep batch_;
  std::int64_t steps_an_epoch_ = 0, total_steps_ = 0, done_ = 0;
  std::unique_ptr<Optimiser> optimiser_;
  std::vector<std::int32_t> order_;
  int order_epoch_ = -1;

  // Since the last report.
  std::int64_t reported_ = 0, first_step_ = 0;
  BatchLoss sum_;
  StepReport last_;
  Clock::time_point started_ = Clock::now(), since_report_ = Clock::now();
};

void Trainer::check_patches() const {
  const Place place = scenario_.place("/train/augmentation/crop");
  if (!settings_.patch) {
    if (!data_.one_size())
      throw Error(place.str(),
                  "is needed where images differ in size: the height and width of patches");
    return;
  }
  const auto [height, width] = *settings_.patch;
  if (const int least = scenario_.pair->least_side(model_.architecture);
      height < least || width < least)
    throw Error(place.str(),
                "the network's strides need " + std::to_string(least) + " pixels each way");
  for (int i = 0; i < data_.count(); ++i)
    if (data_.height_of(i) < height || data_.width_of(i) < width)
      throw Error(place.str(),
                  "image " + std::to_string(i) + " of the training images is " +
                      size_text(data_.height_of(i), data_.width_of(i), data_.channels) +
                      ", smaller than a patch");
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (std::int64_t{data_.count()} * settings_.patches > most)
    throw Error(scenario_.place("/train/augmentation/crops").str(),
                "makes more than 2^31 patches an epoch");
}

void Trainer::set_mean_image() {
  Parameter* mean = model_.parameters->find("receiver.mean_image");
  if (mean == nullptr) return;  // of a pair that does without
  std::vector<double> sum(static_cast<std::size_t>(mean->value.size()));
  // Of an image of any size the mean is a colour.
  double images = 0;
  for (int i = 0; i < data_.count(); ++i) {
    const auto size = static_cast<std::size_t>(data_.values(i));
    for (std::size_t v = 0; v < size; ++v) sum[v % sum.size()] += data_.image(i)[v];
    const std::size_t whole = size / sum.size();
    images += static_cast<double>(whole);
  }
  std::vector<float> values(sum.size());
  for (std::size_t v = 0; v < sum.size(); ++v)
    values[v] = static_cast<float>(sum[v] / (255.0 * images));
  backend_.copy(mean->value, backend_.from_host(mean->value.shape(), values.data()));
}

std::vector<std::int32_t> Trainer::shuffled(int epoch) const {
  std::vector<std::int32_t> order(static_cast<std::size_t>(patches()));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) {
    const RandomWords words =
        philox(scenario_.seed, Purpose::shuffle, 0, static_cast<std::uint32_t>(epoch),
               static_cast<std::uint32_t>(i));
    std::swap(order[i - 1],
              order[static_cast<std::size_t>(uniform(words[0]) * static_cast<double>(i))]);
  }
  return order;
}

void Trainer::step(std::int64_t step) {
  const int epoch = static_cast<int>(step / steps_an_epoch_);
  if (epoch != order_epoch_) {
    order_ = shuffled(epoch);
    order_epoch_ = epoch;
  }
  const auto first = static_cast<std::size_t>(step % steps_an_epoch_ * settings_.batch);
  const BatchLoss loss = batch_.run(std::span<const std::int32_t>(order_).subspan(
                                        first, static_cast<std::size_t>(settings_.batch)),
                                    epoch);
  sum_.class_loss += loss.class_loss;
  sum_.image_loss += loss.image_loss;
  sum_.gate_loss += loss.gate_loss;
  sum_.exit_loss += loss.exit_loss;
  sum_.budget_loss += loss.budget_loss;
  sum_.terms.resize(loss.terms.size());
  for (std::size_t t = 0; t < loss.terms.size(); ++t) sum_.terms[t] += loss.terms[t];
  sum_.balance += loss.balance;
  sum_.z += loss.z;
  sum_.routed_blocks = loss.routed_blocks;
  sum_.operations += loss.operations;
  last_ = optimiser_->step(batch_.lanes());
  if (last_.skipped && !std::isfinite(loss.total(settings_)))
    throw Error(scenario_.place("/train").str(), "the loss is not finite at step " +
                                                     std::to_string(step) +
                                                     "; lower train.optimiser.learning_rate");
}

void Trainer::report(bool epoch_end) {
  TrainingProgress p;
  const double n = static_cast<double>(std::max<std::int64_t>(1, done_ - reported_));
  p.epoch = static_cast<int>((done_ + steps_an_epoch_ - 1) / steps_an_epoch_);
  p.epochs = settings_.epochs;
  p.step = done_;
  p.steps = total_steps_;
  p.class_loss = sum_.class_loss / n;
  p.image_loss = sum_.image_loss / n;
  p.gate_loss = sum_.gate_loss / n;
  p.exit_loss = sum_.exit_loss / n;
  p.balance = sum_.balance / n;
  p.z = sum_.z / n;
  p.loss = sum_.total(settings_) / n;
  p.learning_rate = last_.learning_rate;
  p.gradient_norm = last_.gradient_norm;
  p.images_per_second =
      n * settings_.batch / std::chrono::duration<double>(Clock::now() - since_report_).count();
  p.operations = sum_.operations / (n * settings_.batch);
  const double elapsed = std::chrono::duration<double>(Clock::now() - started_).count();
  p.seconds_left = elapsed / static_cast<double>(std::max<std::int64_t>(1, done_ - first_step_)) *
                   static_cast<double>(total_steps_ - done_);
  p.epoch_end = epoch_end;
  if (epoch_end && validation_.count() > 0) {
    Scenario scenario = scenario_;
    scenario.stop = {};
    scenario.metrics.clear();
    const bool rebuilds = model_.rebuilds && settings_.image_weight > 0;
    if (rebuilds)
      scenario.metrics = {metrics().make({{"kind", "psnr"}}, scenario.place("/metrics"))};
    const PointResult result =
        evaluate(scenario, model_, validation_, pool_, {.shard = options_.shard});
    double correct = 0, psnr = 0;
    for (const ImageRecord& r : result.images) {
      correct += r.decision == r.label;
      if (rebuilds) psnr += r.scores[0];
    }
    p.validation_accuracy = scenario.pair->decides() ? correct / validation_.count() : -1;
    p.validation_psnr_db = rebuilds ? psnr / validation_.count() : 0;
  }
  Json line{{"epoch", p.epoch},
            {"step", p.step},
            {"loss", p.loss},
            {"class_loss", p.class_loss},
            {"image_loss", p.image_loss},
            {"gate_loss", p.gate_loss},
            {"exit_loss", p.exit_loss},
            {"budget_loss", sum_.budget_loss / n},
            {"balance", p.balance},
            {"z", p.z},
            {"learning_rate", p.learning_rate},
            {"gradient_norm", p.gradient_norm},
            {"images_per_second", p.images_per_second},
            {"operations", p.operations},
            {"seconds", elapsed}};
  for (std::size_t t = 0; t < sum_.terms.size(); ++t)
    line[settings_.terms[t].name + "_loss"] = sum_.terms[t] / n;
  if (epoch_end) {
    if (scenario_.pair->decides()) line["validation_accuracy"] = p.validation_accuracy;
    if (model_.rebuilds && settings_.image_weight > 0)
      line["validation_psnr_db"] = p.validation_psnr_db;
  }
  std::ofstream log(path("training.jsonl"), std::ios::app);
  log << line.dump() << '\n' << std::flush;
  if (!log) throw Error(path("training.jsonl"), "cannot be written; is the disk full?");
  sum_ = {};
  reported_ = done_;
  since_report_ = Clock::now();
  if (options_.report) options_.report(p);
}

void Trainer::save() const {
  Checkpoint model = to_checkpoint(model_);
  // The state holds the weights too: a kill between the two files leaves a state that is whole by
  // itself.
  Checkpoint state{.metadata = {{"semwave.training", "1"},
                                {"semwave.step", std::to_string(done_)},
                                {"semwave.shard", std::to_string(batch_.shard())},
                                {"semwave.scenario_sha256", scenario_hash()}},
                   .arrays = model.arrays};
  for (NamedArray& array : optimiser_->state()) state.arrays.push_back(std::move(array));
  write_checkpoint(path("training.safetensors"), state);
  model.half = settings_.half_weights;
  write_checkpoint(path("model.safetensors"), model);
}

void Trainer::restore() {
  const std::string file = path("training.safetensors");
  if (!std::filesystem::exists(
          file)) {  // nothing was saved yet: start, without the lines of steps that are made again
    write_file_whole(path("training.jsonl"), "", 0);
    return;
  }
  Checkpoint state = read_checkpoint(file);
  const auto step = state.metadata.find("semwave.step");
  const auto hash = state.metadata.find("semwave.scenario_sha256");
  if (step == state.metadata.end() || hash == state.metadata.end())
    throw Error(file, "not a training state of semwave");
  // Shards of another size add gradients in another order: the weights would differ in their last
  // bits without a word.
  const auto shard = state.metadata.find("semwave.shard");
  if (shard != state.metadata.end() && shard->second != std::to_string(batch_.shard()))
    throw Error(file, "was made with shards of " + shard->second + " images, not " +
                          std::to_string(batch_.shard()) + "; go on with --shard " + shard->second);
  Checkpoint weights, moments;
  for (NamedArray& array : state.arrays) {
    const bool weight = model_.parameters->find(array.name) != nullptr;
    (weight ? weights : moments).arrays.push_back(std::move(array));
  }
  // Weights alone may come from another place or version, whose scenarios read otherwise: nothing
  // that goes on from them is the same to the bit anyway.
  const bool same_scenario = hash->second == scenario_hash();
  if (!same_scenario && !moments.arrays.empty())
    throw Error(file,
                "was made by another training scenario: give the same --set, --seed and scenario "
                "as before, or another --out");
  load_parameters(*model_.parameters, weights, file);
  const std::string& text = step->second;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), done_);
  if (status != std::errc() || end != text.data() + text.size() || done_ < 0 ||
      done_ > total_steps_)
    throw Error(file, "semwave.step '" + text + "' is no step of this training of " +
                          std::to_string(total_steps_));
  first_step_ = reported_ = done_;

  if (moments.arrays.empty()) {
    optimiser_->begin_at(done_);
    if (options_.note)
      options_.note(file + " has weights alone: the training goes on at step " +
                    std::to_string(done_) + " with fresh moments of the optimiser" +
                    (same_scenario ? "" : "; another scenario or version made them"));
  } else {
    optimiser_->restore(moments.arrays, file);
  }

  // Lines of steps that were not saved are made again.
  const std::string log = path("training.jsonl");
  std::string kept, line;
  if (std::filesystem::exists(log))
    for (LineReader lines(log); lines.next(line);)
      if (is_of_step_up_to(line, done_)) kept += line + '\n';
  write_file_whole(log, kept.data(), kept.size());
}

std::string Trainer::scenario_hash() const {
  Json relevant = scenario_.resolved;
  for (const char* key : {"name", "output", "sweep", "stop", "metrics"}) relevant.erase(key);
  relevant["train"].erase("weights");
  relevant["train"].erase(
      "initial");  // paths are names, not contents; the weights are in the state
  relevant["source"].erase("path");
  visit_paths(relevant, [](const std::string& pointer,
                           std::string& path) {  // what is in a file matters, not where it lies
    const std::string content =
        pointer.ends_with("/file") ? read_file_whole(path, 64u << 20) : std::string();
    path = content.empty() ? std::string() : sha256(content.data(), content.size());
  });
  const std::string text = canonical(relevant) + data_.sha256;
  return sha256(text.data(), text.size());
}

bool Trainer::run() {
  if (!options_.resume) write_file_whole(path("training.jsonl"), "", 0);
  const std::int64_t every = std::max<std::int64_t>(1, steps_an_epoch_ / reports_an_epoch);
  while (done_ < total_steps_) {
    step(done_);
    ++done_;
    const bool epoch_end = done_ % steps_an_epoch_ == 0;
    if (epoch_end || done_ % every == 0) report(epoch_end);
    const bool stop = options_.interrupt && options_.interrupt->load();
    if (epoch_end || stop) save();
    if (stop && done_ < total_steps_) return false;
  }
  if (options_.resume) save();  // a kill may have left the last weights in the state alone
  return true;
}

}  // namespace

bool train(const Scenario& scenario, Backend& backend, ThreadPool& pool,
           const TrainOptions& options) {
  if (!scenario.train)
    throw Error(scenario.place("/train").str(),
                "nothing to train: the scenario has no train section");
  return Trainer(scenario, backend, pool, options).run();
}

}  // namespace semwave
