#include "experiment/train/training_folder.h"

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"

namespace semwave {

bool open_training_folder(const Scenario& scenario, const std::string& out, bool resume) {
  const bool begun = std::filesystem::exists(out + "/training.safetensors");
  if (std::filesystem::exists(out + "/results.jsonl"))
    throw Error(out, "holds results of semwave run: name another folder");
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) throw Error(out, "cannot be made: " + problem.message());
  if (!resume && begun)
    throw Error(out, "holds a training already: go on with it by --resume, or name another folder");
  if (!resume || !std::filesystem::exists(out + "/scenario.json")) {
    // So that the folder says how its model was made.
    const std::string text = scenario_text(scenario, out);
    write_file_whole(out + "/scenario.json", text.data(), text.size());
  }
  return begun;
}

OrderedJson epoch_json(const TrainingProgress& at, bool image) {
  OrderedJson line{{"epoch", at.epoch},
                   {"epochs", at.epochs},
                   {"step", at.step},
                   {"loss", at.loss},
                   {"class_loss", at.class_loss},
                   {"image_loss", at.image_loss},
                   {"learning_rate", at.learning_rate}};
  if (at.validation_accuracy >= 0) line["validation_accuracy"] = at.validation_accuracy;
  if (image) line["validation_psnr_db"] = at.validation_psnr_db;
  line["images_per_second"] = at.images_per_second;
  return line;
}

}  // namespace semwave
