// Scenarios from Python: the same library calls as the commands of the program, results as rows.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "core/config/mistakes.h"
#include "experiment/link/link_run.h"
#include "experiment/planning/budget.h"
#include "experiment/results/compare_folders.h"
#include "experiment/results/curves.h"
#include "experiment/run/device.h"
#include "experiment/run/model.h"
#include "experiment/run/run.h"
#include "experiment/run/validate.h"
#include "experiment/scenario/known_names.h"
#include "experiment/scenario/overrides.h"
#include "experiment/train/trainer.h"
#include "experiment/train/training_folder.h"
#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"
#include "python/bindings/long_work.h"
#include "python/bindings/pictures.h"

namespace semwave::python {
namespace {

Overrides overrides_of(const py::dict& settings) {
  Overrides made;
  for (const auto& [key, value] : settings) {
    const auto pointer = key.cast<std::string>();
    if (!pointer.starts_with("/"))
      throw Error(pointer, "is no JSON pointer, such as /channel/snr_db, nor a known argument");
    add_override(made, pointer, to_json(value, pointer));
  }
  return made;
}

/// Reads a file (str), or what would stand in one (dict).
std::function<Scenario(Mistakes&)> reader(const py::object& scenario, const py::dict& settings) {
  Overrides overrides = overrides_of(settings);
  if (py::isinstance<py::str>(scenario))
    return [path = scenario.cast<std::string>(), overrides](Mistakes& mistakes) {
      return read_scenario(path, overrides, mistakes);
    };
  if (!py::isinstance<py::dict>(scenario))
    throw Error("scenario", "must be the path of a file, or a dict");
  return [written = to_json(scenario, ""), overrides](Mistakes& mistakes) {
    return read_written(written, "scenario", overrides, mistakes);
  };
}

Scenario read(const py::object& scenario, const py::dict& settings) {
  Mistakes first;
  return reader(scenario, settings)(first);
}

py::dict validate_scenario(const py::object& scenario, const py::dict& settings) {
  const auto read_it = reader(scenario, settings);
  Validation found;
  LongWork::run([&](LongWork&) { found = validate(read_it); });
  py::list mistakes;
  for (const Error& mistake : found.mistakes) mistakes.append(mistake.what());
  py::dict made;
  made["mistakes"] = mistakes;
  made["warnings"] = py::cast(found.warnings);
  made["points"] = found.points;
  made["trains"] = found.trains;
  return made;
}

py::dict list_names(const std::string& what) {
  py::dict made;
  for (const KnownNames& one : known_names(what)) {
    py::dict names;
    for (const auto& [name, summary] : one.names) names[py::str(name)] = summary;
    made[py::str(one.what)] = names;
  }
  return made;
}

/// What a run tells while it works; None where nobody wants to hear.
class Listener {
 public:
  Listener(LongWork& work, py::object callback) : work_(work), callback_(std::move(callback)) {}
  ~Listener() {
    const py::gil_scoped_acquire python;
    callback_ = py::none();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void tell(const OrderedJson& event) {
    work_.call([&] {
      if (!callback_.is_none()) callback_(to_python(event));
    });
  }

 private:
  LongWork& work_;
  py::object callback_;
};

struct RunArguments {
  std::string out, device;
  int threads, shard;
};

/// The rows of a run in the order of the grid; a point that failed has none.
struct Rows {
  std::vector<OrderedJson> done;
  std::vector<std::string> failed;
};

OrderedJson about(const Backend& backend, const ThreadPool& pool) {
  return {{"semwave_version", SEMWAVE_VERSION},
          {"compiler", __VERSION__},
          {"device", backend.name()},
          {"threads", pool.threads()}};
}

/// What both kinds of runs tell, into `rows` and to the listener.
template <class Settings>
void listen(Settings& settings, LongWork& work, Listener& listener, std::size_t points,
            Rows& rows) {
  settings.interrupt = &work.stopped();
  settings.finished = [&, points](std::size_t point, const OrderedJson& row, bool reused) {
    rows.done.push_back(row);
    listener.tell(
        {{"event", "row"}, {"point", point}, {"points", points}, {"row", row}, {"reused", reused}});
  };
  settings.failed = [&](std::size_t, const Error& problem) {
    rows.failed.emplace_back(problem.what());
  };
}

Rows run_images(const Scenario& scenario, const RunArguments& arguments, LongWork& work,
                Listener& listener) {
  const std::unique_ptr<Backend> backend = make_backend(arguments.device);
  ThreadPool pool(thread_count(arguments.threads));
  Run run(scenario, *backend, pool);
  for (const std::string& warning : run.warnings())
    listener.tell({{"event", "warning"}, {"text", warning}});
  if (!arguments.out.empty()) run.open(arguments.out, about(*backend, pool));
  Rows rows;
  RunSettings settings;
  settings.shard = arguments.shard;
  listen(settings, work, listener, run.points().size(), rows);
  settings.progress = [&](std::size_t point, int done, int total) {
    listener.tell({{"event", "progress"},
                   {"point", point},
                   {"points", run.points().size()},
                   {"done", done},
                   {"total", total}});
  };
  (void)run.run(settings);
  return rows;
}

Rows run_link(const Scenario& scenario, const RunArguments& arguments, LongWork& work,
              Listener& listener) {
  const std::unique_ptr<Backend> backend = make_backend(arguments.device);
  ThreadPool pool(thread_count(arguments.threads));
  LinkRun run(scenario, *backend, pool);
  if (!arguments.out.empty()) run.open(arguments.out, about(*backend, pool));
  Rows rows;
  LinkRunSettings settings;
  listen(settings, work, listener, run.points().size(), rows);
  settings.progress = [&](std::size_t point, const LinkPoint& so_far) {
    const std::int64_t most = run.points()[point].scenario.link->max_frames;
    listener.tell({{"event", "progress"},
                   {"point", point},
                   {"points", run.points().size()},
                   {"done", so_far.counts.frames},
                   {"total", most}});
  };
  (void)run.run(settings);
  return rows;
}

py::tuple run_scenario(const py::object& written, const py::dict& overrides, const std::string& out,
                       const std::string& device, int threads, int shard,
                       const py::object& callback) {
  const Scenario scenario = read(written, overrides);
  if (scenario.train && scenario.architecture)
    throw Error(scenario.place("/model").str(),
                "is a network still to be trained: semwave.train it, then run a scenario whose "
                "model is the checkpoint");
  const RunArguments arguments{out, device, threads, shard};
  Rows rows;
  LongWork::run([&](LongWork& work) {
    Listener listener(work, callback);
    rows = scenario.link ? run_link(scenario, arguments, work, listener)
                         : run_images(scenario, arguments, work, listener);
  });
  py::list done;
  for (const OrderedJson& row : rows.done) done.append(to_python(row));
  return py::make_tuple(done, py::cast(rows.failed));
}

/// As run, on pictures that are handed over instead of read.
py::list evaluate_images(const py::object& written, const py::dict& overrides,
                         const py::object& images, const py::object& labels,
                         const std::string& device, int threads, int shard,
                         const py::object& callback) {
  const Scenario scenario = read(written, overrides);
  need_model(scenario);
  if (scenario.timeline || scenario.link)
    throw Error(scenario.place("").str(), "a timeline or a link is run, not evaluated on images");
  const Dataset data = dataset_argument(images, labels);
  std::vector<OrderedJson> rows;
  LongWork::run([&](LongWork& work) {
    Listener listener(work, callback);
    const std::unique_ptr<Backend> backend = make_backend(device);
    ThreadPool pool(thread_count(threads));
    const std::vector<Point> points = expand(scenario);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Model model = make_model(points[i].scenario, *backend);
      EvaluateOptions options{.shard = shard, .interrupt = &work.stopped(), .progress = {}};
      options.progress = [&](int done, int total) {
        listener.tell({{"event", "progress"},
                       {"point", i},
                       {"points", points.size()},
                       {"done", done},
                       {"total", total}});
      };
      const PointResult result = evaluate(points[i].scenario, model, data, pool, options);
      if (result.interrupted) return;
      rows.push_back(make_row(scenario, points[i], model.sha256, data, result, ""));
      rows.back().erase("point_sha256");  // a result folder's, of images that can be read again
      rows.back()["data_sha256"] = data.sha256;
    }
  });
  py::list made;
  for (const OrderedJson& row : rows) made.append(to_python(row));
  return made;
}

bool train_scenario(const py::object& written, const py::dict& overrides, const std::string& out,
                    bool resume, const std::string& device, int threads, int shard,
                    const py::object& callback) {
  const Scenario scenario = read(written, overrides);
  if (!scenario.train)
    throw Error(scenario.place("").str(), "has no 'train'; semwave.run takes scenarios without it");
  if (out.empty()) throw Error("out", "must name the folder that model.safetensors goes to");
  bool done = false;
  LongWork::run([&](LongWork& work) {
    Listener listener(work, callback);
    open_training_folder(scenario, out, resume);
    const std::unique_ptr<Backend> backend = make_backend(device);
    ThreadPool pool(thread_count(threads));
    const bool image = scenario.train->image_weight > 0;
    const auto report = [&](const TrainingProgress& at) {
      OrderedJson event{{"event", at.epoch_end ? "epoch" : "progress"},
                        {"steps", at.steps},
                        {"seconds_left", at.seconds_left}};
      event.update(epoch_json(at, image));
      listener.tell(event);
    };
    const auto note = [&](const std::string& line) {
      listener.tell({{"event", "warning"}, {"text", line}});
    };
    done = train(scenario, *backend, pool,
                 {.out = out,
                  .resume = resume,
                  .shard = shard,
                  .interrupt = &work.stopped(),
                  .report = report,
                  .note = note});
  });
  return done;
}

py::list budget_rows(const py::object& written, const py::dict& overrides,
                     const std::string& device, int threads, int shard, bool time) {
  const Scenario scenario = read(written, overrides);
  std::vector<OrderedJson> rows;
  LongWork::run([&](LongWork& work) {
    const std::unique_ptr<Backend> backend = make_backend(device);
    ThreadPool pool(thread_count(threads));
    Run run(scenario, *backend, pool);
    const Budget made = predict(
        run, pool,
        {.shard = shard, .time = time, .progress = [&](std::size_t) { work.throw_if_stopped(); }});
    for (std::size_t i = 0; i < made.points.size(); ++i)
      rows.push_back(budget_row(scenario, run.points()[i], made.points[i]));
  });
  py::list made;
  for (const OrderedJson& row : rows) made.append(to_python(row));
  return made;
}

WantedValues wanted_of(const py::dict& point) {
  WantedValues made;
  for (const auto& [key, value] : point) {
    const auto pointer = key.cast<std::string>();
    made.emplace_back(pointer, wanted_value(pointer, Json(to_json(value, pointer))));
  }
  return made;
}

py::tuple compare_images(const std::string& a, const std::string& b,
                         const std::optional<std::size_t>& row_a,
                         const std::optional<std::size_t>& row_b, const py::dict& point) {
  const WantedValues wanted = wanted_of(point);
  FolderComparison made;
  LongWork::run([&](LongWork&) {
    made = compare_folders(RecordedFolder(a), RecordedFolder(b), row_a, row_b, wanted);
  });
  py::list rows;
  for (const OrderedJson& row : made.rows) rows.append(to_python(row));
  return py::make_tuple(rows, to_python(made.together));
}

py::list compare_as_curves(const std::string& a, const std::string& b, const std::string& key,
                           const py::dict& point) {
  const WantedValues wanted = wanted_of(point);
  std::vector<OrderedJson> rows;
  LongWork::run([&](LongWork&) {
    const auto asked = [&](const RecordedFolder& folder, std::size_t row) {
      return has_values(folder, row, wanted);
    };
    for (const CurveComparison& one :
         compare_curves(RecordedFolder(a), RecordedFolder(b), key, asked))
      rows.push_back(curves_json(one, key));
  });
  py::list made;
  for (const OrderedJson& row : rows) made.append(to_python(row));
  return made;
}

py::tuple load_images(const std::string& name, const std::string& split, int count,
                      const std::string& path) {
  static const std::map<std::string, Split> splits{{"train", Split::train},
                                                   {"validation", Split::validation},
                                                   {"test", Split::test},
                                                   {"all_train", Split::all_train}};
  const auto found = splits.find(split);
  if (found == splits.end())
    throw Error("split", "is train, validation, test or all_train, not '" + split + "'");
  if (count < 0) throw Error("count", "must not be below 0");
  Dataset data;
  LongWork::run([&](LongWork&) {
    data = load_dataset(
        {.name = name, .split = found->second, .path = path, .count = count, .place = "dataset"});
  });
  const std::vector<py::ssize_t> shape{data.count(), data.height, data.width, data.channels};
  return py::make_tuple(given<std::uint8_t>(std::move(data.pixels), shape),
                        given<std::int32_t>(std::move(data.labels), {shape[0]}),
                        py::cast(data.class_names));
}

py::list load_rows(const std::string& folder) {
  semwave::Rows found;
  LongWork::run([&](LongWork&) { found = read_rows(folder + "/results.jsonl"); });
  py::list made;
  for (const OrderedJson& row : found.rows) made.append(to_python(row));
  return made;
}

}  // namespace

void add_scenarios(py::module_& module) {
  module.def("validate", &validate_scenario);
  module.def("list_names", &list_names);
  module.def("run", &run_scenario);
  module.def("evaluate", &evaluate_images);
  module.def("train", &train_scenario);
  module.def("budget", &budget_rows);
  module.def("compare", &compare_images);
  module.def("compare_curves", &compare_as_curves);
  module.def("dataset", &load_images);
  module.def("load_rows", &load_rows);
}

}  // namespace semwave::python
