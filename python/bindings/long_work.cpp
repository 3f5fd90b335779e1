#include "python/bindings/long_work.h"

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace semwave::python {
namespace {

namespace py = pybind11;
constexpr std::chrono::milliseconds between_looks{100};

struct Stopped {};

}  // namespace

void LongWork::run(const std::function<void(LongWork&)>& work) {
  LongWork here;
  std::thread thread([&] {
    try {
      work(here);
    } catch (const Stopped&) {
      // What stopped it is told below.
    } catch (...) {
      here.failed_ = std::current_exception();
    }
    const std::lock_guard lock(here.mutex_);
    here.done_ = true;
    here.changed_.notify_all();
  });
  {
    const py::gil_scoped_release others_may_run;
    here.wait_for_work();
    thread.join();
  }
  if (here.raised_) std::rethrow_exception(here.raised_);
  if (here.failed_) std::rethrow_exception(here.failed_);
}

void LongWork::wait_for_work() {
  std::unique_lock lock(mutex_);
  while (!done_) {
    changed_.wait_for(lock, between_looks, [&] { return done_ || told_ != nullptr; });
    const std::function<void()>* const told = told_;
    lock.unlock();
    if (!stopped_) {
      const py::gil_scoped_acquire python;
      try {
        if (told != nullptr) (*told)();
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      } catch (...) {
        raised_ = std::current_exception();
        stopped_ = true;
      }
    }
    lock.lock();
    if (told != nullptr) {
      told_ = nullptr;
      changed_.notify_all();
    }
  }
}

void LongWork::call(const std::function<void()>& told) {
  std::unique_lock lock(mutex_);
  if (stopped_) return;
  told_ = &told;
  changed_.notify_all();
  changed_.wait(lock, [&] { return told_ == nullptr; });
}

void LongWork::throw_if_stopped() const {
  if (stopped_) throw Stopped();
}

}  // namespace semwave::python
