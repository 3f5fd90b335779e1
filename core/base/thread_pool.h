// One persistent pool above single-threaded kernels. Tasks are whole shards or lanes.
#pragma once

#include <memory>
#include <type_traits>

namespace semwave {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // the caller is one of them
  ~ThreadPool();
  int threads() const;
  /// Runs body(0..count-1), each once, any order; returns when all are done. The first exception is
  /// rethrown (lowest task). Takes no memory: `body` is called where it stands.
  template <class Body>
  void run(int count, Body&& body) {
    using Called = std::remove_reference_t<Body>;
    run_tasks(count, {const_cast<void*>(static_cast<const void*>(&body)),
                      [](void* called, int task) { (*static_cast<Called*>(called))(task); }});
  }

 private:
  struct TaskBody {
    void* called;
    void (*call)(void* called, int task);
  };
  void run_tasks(int count, TaskBody body);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace semwave
