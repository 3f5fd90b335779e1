// One persistent pool above single-threaded kernels. Tasks are whole shards or lanes.
#pragma once

#include <functional>
#include <memory>

namespace semwave {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // the caller is one of them
  ~ThreadPool();
  int threads() const;
  /// Runs task 0..count-1, each once, any order; returns when all are done. The first exception is rethrown (lowest task).
  void run(int count, const std::function<void(int task)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semwave
