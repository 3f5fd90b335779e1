// A receiver and transmitters in one process, over real sockets on loopback, with the world of
// tests/experiment/tiny_world.h.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "experiment/run/run.h"
#include "node/receiver/server.h"
#include "node/transmitter/client.h"
#include "tests/experiment/tiny_world.h"

namespace semwave::nodes {

/// What a node said, for tests that look for a reason.
class Said {
 public:
  LogSink sink() {
    return [this](LogLevel, const std::string& text) {
      const std::lock_guard lock(mutex_);
      text_ += text + "\n";
    };
  }
  /// Now, or within a few seconds: the other end says it in its own time.
  bool has(const std::string& words) const {
    for (int wait = 0; wait < 500; ++wait) {
      if (text().find(words) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// A receiver in a thread of its own. Ends when this goes, or with stop().
class RunningServer {
 public:
  RunningServer(const Scenario& scenario, ServerOptions options, int threads = 1) {
    std::promise<std::uint16_t> listens;
    auto port = listens.get_future();
    thread_ = std::thread([this, scenario, options, threads, &listens]() mutable {
      bool told = false;
      try {
        const std::unique_ptr<Backend> backend = make_cpu_backend();
        ThreadPool pool(threads);
        const Station station(scenario, *backend);
        options.stop = &stop_;
        if (!options.log) options.log = said_.sink();
        options.listening = [&](std::uint16_t at, std::uint16_t status) {
          status_port_ = status;
          told = true;
          listens.set_value(at);
        };
        Server server(station, pool, options);
        summary_ = server.run();
      } catch (...) {
        if (!told)
          listens.set_exception(std::current_exception());
        else
          problem_ = std::current_exception();
      }
    });
    try {
      port_ = port.get();
    } catch (...) {
      thread_.join();
      throw;
    }
  }
  ~RunningServer() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port() const { return port_; }
  std::uint16_t status_port() const { return status_port_; }
  Said& said() { return said_; }
  /// A graceful end.
  ServerSummary stop() {
    stop_ = true;
    thread_.join();
    if (problem_) std::rethrow_exception(problem_);
    return summary_;
  }
  /// Waits for one that ends by itself.
  ServerSummary wait() {
    thread_.join();
    if (problem_) std::rethrow_exception(problem_);
    return summary_;
  }

 private:
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::uint16_t port_ = 0, status_port_ = 0;
  Said said_;
  ServerSummary summary_;
  std::exception_ptr problem_;
};

inline ClientSummary transmit(const Scenario& scenario, ClientOptions options, int threads = 1) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(threads);
  const Station station(scenario, *backend);
  const Dataset data = options.watch.empty() ? load_dataset(scenario.source) : Dataset{};
  Client client(station, data, pool, options);
  return client.run();
}

/// What may differ between a simulation and two nodes: times.
inline OrderedJson timeless(OrderedJson row) {
  for (const char* key : {"seconds", "images_per_second", "node"}) row.erase(key);
  return row;
}

struct Simulated {
  std::vector<OrderedJson> rows;
  std::vector<std::string> records;
};

inline Simulated simulate(const Scenario& scenario, const std::string& folder) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(1);
  Run run(scenario, *backend, pool);
  run.open(folder, {});
  Simulated made;
  RunSettings settings;
  settings.finished = [&](std::size_t, const OrderedJson& row, bool) {
    made.rows.push_back(timeless(row));
  };
  (void)run.run(settings);
  made.records = tiny::lines_of(folder + "/records.jsonl");
  return made;
}

inline void expect_same_rows(const std::vector<OrderedJson>& rows,
                             const std::vector<OrderedJson>& wanted) {
  ASSERT_EQ(rows.size(), wanted.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(timeless(rows[i]).dump(), wanted[i].dump()) << "point " << i;
}

}  // namespace semwave::nodes

namespace semwave {

class Nodes : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("world");
    tiny::write_pictures(folder_ + "/pictures", 2, 20);
    json_ = tiny::scenario(folder_ + "/pictures");
    json_["output"]["records"] = true;
  }
  Scenario scenario() const { return parse_scenario(json_, "tiny.json"); }
  ClientOptions to(std::uint16_t port) const {
    ClientOptions options;
    options.port = port;
    options.patience_seconds = 20;
    return options;
  }

  /// Transmitter and receiver say what a simulation says, the receiver's records too; the
  /// simulation.
  nodes::Simulated expect_as_simulated(const Scenario& scenario) const {
    nodes::Simulated wanted = nodes::simulate(scenario, fresh_folder("run"));
    ServerOptions options;
    options.out = fresh_folder("there");
    nodes::RunningServer server(scenario, options);
    const ClientSummary sent = nodes::transmit(scenario, to(server.port()));
    EXPECT_EQ(sent.failure, "");
    nodes::expect_same_rows(sent.rows, wanted.rows);
    nodes::expect_same_rows(server.stop().rows, wanted.rows);
    EXPECT_EQ(tiny::lines_of(options.out + "/records.jsonl"), wanted.records);
    return wanted;
  }

  std::string folder_;
  Json json_;
};

}  // namespace semwave
