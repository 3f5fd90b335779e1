// semwave train: a network from a scenario with `train`, a line an epoch.
#include <chrono>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/output.h"
#include "apps/profile.h"
#include "apps/progress.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/thread_pool.h"
#include "experiment/scenario/scenario.h"
#include "experiment/train/trainer.h"
#include "experiment/train/training_folder.h"

namespace semwave {
namespace {

void print_epoch(const TrainingProgress& at, bool image, bool json) {
  if (json) {
    fmt::print("{}\n", epoch_json(at, image).dump());
  } else {
    fmt::print("{:7} {:8.4f} {:10.4f} {:10.5f} {:9.2e}   {:>8} {:>9} {:9.0f}\n", at.epoch, at.loss,
               at.class_loss, at.image_loss, at.learning_rate,
               at.validation_accuracy < 0 ? "-" : fmt::format("{:.4f}", at.validation_accuracy),
               image ? fmt::format("{:.2f}", at.validation_psnr_db) : "-", at.images_per_second);
  }
  flush_output();
}

int train_scenario(const RunOptions& options, bool resume, bool profile) {
  const Scenario scenario = read_scenario(options.scenario, options.overrides());
  if (!scenario.train)
    throw Error(scenario.place("").str(), "has no 'train'; semwave run takes scenarios without it");
  if (options.out.empty())
    throw Error("--out", "is missing: the folder that model.safetensors and training.jsonl go to");
  if (!open_training_folder(scenario, options.out, resume) && resume)
    fmt::print(stderr, "semwave: nothing to resume in {}: the training begins\n",
               printable(options.out));
  const std::unique_ptr<Backend> device = options.make_backend();
  const std::unique_ptr<ProfilingBackend> profiling =
      profile ? make_profiling_backend(*device) : nullptr;
  Backend* const backend = profile ? profiling.get() : device.get();
  ThreadPool pool(options.thread_count());
  Progress progress(options.quiet);
  const bool image = scenario.train->image_weight > 0;
  if (!options.json)
    fmt::print(
        "# {}, {}, {}, {}, seed {}\n#epoch     loss class_loss image_loss rate       accuracy   "
        "psnr_db    images/s\n",
        printable(scenario.name), counted(scenario.train->epochs, "epoch"), backend->name(),
        counted(pool.threads(), "thread"), scenario.seed);
  flush_output();

  listen_for_interrupts();
  TrainOptions settings{.out = options.out,
                        .resume = resume,
                        .shard = options.shard,
                        .interrupt = &interrupted,
                        .report = {}};
  settings.note = [&](const std::string& line) {
    progress.clear();
    fmt::print(stderr, "semwave: {}\n", line);
  };
  bool begun = false;
  settings.report = [&](const TrainingProgress& at) {
    begun = true;
    if (at.epoch_end) {
      progress.clear();
      print_epoch(at, image, options.json);
    } else {
      progress.show(fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}  {:.0f} images/s  left {}",
                                at.epoch, at.epochs, at.step, at.steps, at.loss,
                                at.images_per_second, clock_text(at.seconds_left)));
    }
  };
  bool done = false;
  const auto start = std::chrono::steady_clock::now();
  try {
    done = train(scenario, *backend, pool, settings);
  } catch (const Error& failure) {
    if (!begun) throw;  // the scenario, its data or the folder: status 2
    progress.clear();
    fmt::print(stderr, "semwave: {}\n", printable(failure.what()));
    return 1;
  }
  progress.clear();
  if (profile) {
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print(options.json ? stderr : stdout, "{}",
               profile_text(profiling->lines(), seconds * pool.threads()));
  }
  if (!done) {
    progress.note("interrupted; the state is kept, go on with the same command and --resume");
    return interrupted_status;
  }
  if (!options.json)
    fmt::print("# {} {}/model.safetensors\n",
               begun ? "wrote" : "the training was done already:", printable(options.out));
  return 0;
}

}  // namespace

Command add_train(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "train", "train a network: writes model.safetensors and training.jsonl into --out");
  auto options = std::make_shared<RunOptions>();
  auto resume = std::make_shared<bool>(false);
  options->add_to(*command,
                  "folder for the model and its training (required); with --resume to go on");
  command->add_flag("--resume", *resume,
                    "go on where a run with the same --out was stopped or killed");
  auto profile = std::make_shared<bool>(false);
  command->add_flag("--profile", *profile, "time and GFLOP/s of each kernel at the end");
  command->footer(
      "Example: semwave train scenarios/train_fashion.json --out out/fashion --threads 2");
  return [options, resume, profile] { return train_scenario(*options, *resume, *profile); };
}

}  // namespace semwave
