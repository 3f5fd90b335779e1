// Long work beside Python: a thread of its own computes, the calling thread waits without the GIL,
// looks for Ctrl-C ten times a second, and runs what the work wants to tell Python.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>

namespace semwave::python {

class LongWork {
 public:
  /// Runs `work`, which is called in another thread and without the GIL. An exception of it leaves
  /// this, as does one of a call() or of a signal handler (KeyboardInterrupt), which comes first.
  static void run(const std::function<void(LongWork&)>& work);

  /// Runs `told` in the thread that called run(), with the GIL, and waits for it. What it throws
  /// ends the work: stopped() holds from then on, and nothing more is told.
  void call(const std::function<void()>& told);
  /// Whether the work is to end as soon as it can.
  const std::atomic<bool>& stopped() const { return stopped_; }
  /// For work that cannot look: throws where it is to end. run() drops what this throws.
  void throw_if_stopped() const;

 private:
  void wait_for_work();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* told_ = nullptr;  // to be run by the waiting thread
  bool done_ = false;
  std::atomic<bool> stopped_{false};
  std::exception_ptr failed_, raised_;  // of the work, of Python
};

}  // namespace semwave::python
