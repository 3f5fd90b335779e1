// Training: transmitter, channel and receiver end to end, one draw of channel and plan per image.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "experiment/run/model.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

/// One line of training.jsonl; also what the live line shows.
struct TrainingProgress {
  int epoch = 0, epochs = 0;
  std::int64_t step = 0, steps = 0;  // of the whole training
  double loss = 0, class_loss = 0, image_loss = 0, gate_loss = 0, exit_loss = 0, balance = 0,
         z = 0;  // means since the last report
  double learning_rate = 0, gradient_norm = 0;
  double images_per_second = 0, seconds_left = 0;
  double operations = 0;  // executed forward, an image
  bool epoch_end = false;
  double validation_accuracy = 0, validation_psnr_db = 0;  // at epoch_end; an accuracy of -1: no
                                                           // class comes out
};

struct TrainOptions {
  std::string out;  // folder of model.safetensors, training.safetensors, training.jsonl
  bool resume = false;
  int shard = 0;                                 // 0: what the backend likes
  const std::atomic<bool>* interrupt = nullptr;  // checked after each step; saves and returns
  std::function<void(const TrainingProgress&)> report;
  std::function<void(const std::string&)> note = {};  // a line about how the training goes on
};

/// Returns true when all epochs are done, false when interrupted (state saved, --resume goes on to
/// the same bits). A state whose moments were taken out (weights and metadata alone) is gone on
/// from at its step, with fresh moments: the optimiser's `begin_at`.
bool train(const Scenario& scenario, Backend& backend, ThreadPool& pool,
           const TrainOptions& options);

}  // namespace semwave
