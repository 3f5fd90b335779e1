// Models from Python: what is sent of each picture, and what is answered, with everything that was
// decided on the way.
#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include <pybind11/stl.h>

#include "core/base/error.h"
#include "core/config/mistakes.h"
#include "experiment/run/images.h"
#include "experiment/run/model.h"
#include "experiment/run/way.h"
#include "experiment/scenario/overrides.h"
#include "phy/header/header_codec.h"
#include "python/bindings/bindings.h"
#include "python/bindings/channel.h"
#include "python/bindings/pictures.h"

namespace semwave::python {
namespace {

using Complex = std::complex<float>;

/// A whole scenario, its networks and its channel. Any thread, but for its policy.
struct PythonModel {
  Scenario scenario;
  Model model;
  std::shared_ptr<PythonChannel> channel;
  std::unique_ptr<Policy> policy;
};

/// What left the transmitter, and for whom it was planned.
struct Sent {
  std::shared_ptr<const PythonModel> model;
  Draws draws;
  Shape shape;  // of the pictures
  ShardPlan planned;
  SentImages sent;
};

/// What arrived of it.
struct HeardBurst {
  std::shared_ptr<const Sent> sent;
  Reception reception;
};

std::shared_ptr<PythonModel> load_model(const py::object& written, const py::dict& overrides) {
  Mistakes first;
  Overrides changes;
  for (const auto& [key, value] : overrides) {
    const auto pointer = key.cast<std::string>();
    if (!pointer.starts_with("/"))
      throw Error(pointer, "is no JSON pointer, such as /channel/snr_db, nor a known argument");
    add_override(changes, pointer, to_json(value, pointer));
  }
  auto made = std::make_shared<PythonModel>();
  made->scenario = py::isinstance<py::str>(written)
                       ? read_scenario(written.cast<std::string>(), changes, first)
                       : read_written(to_json(written, ""), "scenario", changes, first);
  need_model(made->scenario);
  {
    const py::gil_scoped_release others_may_run;
    made->model = make_model(made->scenario, processor());
    made->policy = make_policy(made->scenario, made->model.architecture);
    made->channel = std::make_shared<PythonChannel>(PythonChannel{
        OrderedJson(made->scenario.resolved["channel"]), Channel(made->scenario.channel)});
  }
  return made;
}

/// [images, height, width, channels] in [0, 1].
Tensor pictures_argument(const PythonModel& model, const py::handle& value) {
  const bool bytes =
      py::isinstance<py::array>(value) && py::reinterpret_borrow<py::array>(value).itemsize() == 1;
  const py::array images = array_argument(value, "images", bytes ? "uint8" : "float32", 4);
  Dataset data;
  data.name = "images";
  data.height = static_cast<int>(images.shape(1));
  data.width = static_cast<int>(images.shape(2));
  data.channels = static_cast<int>(images.shape(3));
  data.labels.resize(static_cast<std::size_t>(images.shape(0)));
  check_images(*model.scenario.pair, model.model.architecture, data, {"images", ""});
  const Shape shape{images.shape(0), images.shape(1), images.shape(2), images.shape(3)};
  if (!bytes) {
    check_finite(images, "images");
    return processor().from_host(shape, static_cast<const float*>(images.data()));
  }
  const auto* const pixels = static_cast<const std::uint8_t*>(images.data());
  data.pixels.assign(pixels, pixels + images.size());
  PooledVector<std::int32_t> all(data.labels.size());
  std::iota(all.begin(), all.end(), 0);
  return image_tensor(processor(), data, all);
}

Plan plan_of(const py::dict& said, Plan plan) {
  for (const auto& [key, value] : said) {
    const auto name = key.cast<std::string>();
    const OrderedJson number = to_json(value, "/" + name);
    if (!number.is_number() || (name != "keep" && !number.is_number_integer()))
      throw Error("plan: /" + name, "must be a number, whole where it counts");
    if (name == "keep")
      plan.keep_ratio = number.get<double>();
    else if (name == "depth")
      plan.exit_depth = number.get<int>();
    else if (name == "symbols_per_token")
      plan.symbols_per_token = number.get<int>();
    else
      throw Error("plan: /" + name, "is unknown; known: keep, depth, symbols_per_token");
  }
  if (plan.keep_ratio < 0 || plan.keep_ratio > 1 || plan.exit_depth < 0 ||
      plan.symbols_per_token < 1)
    throw Error("plan", "needs keep from 0 to 1, depth from 0 and symbols_per_token from 1");
  return plan;
}

std::shared_ptr<Sent> transmit(const std::shared_ptr<PythonModel>& self, const py::object& images,
                               const py::object& ids, const std::optional<std::uint64_t>& seed,
                               std::uint32_t visit, const py::object& snr_db,
                               const py::object& plan) {
  const Tensor pictures = pictures_argument(*self, images);
  auto made = std::make_shared<Sent>();
  made->model = self;
  made->shape = pictures.shape();
  made->draws = draws_argument(ids, seed.value_or(self->scenario.seed), visit);
  if (static_cast<std::int64_t>(made->draws.images.size()) != pictures.shape()[0])
    throw Error("ids",
                "must be one each of the " + std::to_string(pictures.shape()[0]) + " images");
  std::optional<ChannelState> believed;
  if (!snr_db.is_none())
    believed = ChannelState{.snr_db = numbers_argument(snr_db, "believed_snr_db", 1)[0]};
  if (self->policy->remembers())
    throw Error("/transmitter/policy", "remembers each link's past, which a call alone has not");
  made->planned = plan_images(self->channel->channel, made->draws, *self->policy, believed);
  if (!plan.is_none())
    for (Plan& one : made->planned.plans) one = plan_of(plan.cast<py::dict>(), one);
  const py::gil_scoped_release others_may_run;
  Tape tape;  // no parameter has a gradient: it only makes gates and routers tell what they saw
  Pass pass{.backend = processor(), .tape = &tape};
  pass.draws = made->draws;
  made->sent = send_images(pass, self->model, pictures, made->planned);
  return made;
}

std::shared_ptr<HeardBurst> apply_burst(const std::shared_ptr<PythonChannel>& self,
                                        const std::shared_ptr<Sent>& sent) {
  auto made = std::make_shared<HeardBurst>();
  made->sent = sent;
  const py::gil_scoped_release others_may_run;
  Pass pass{.backend = processor()};
  pass.draws = sent->draws;
  const bool own = sent->model->channel == self;
  made->reception = self->channel.apply(
      pass, sent->sent.burst, own ? sent->planned.fading : self->channel.realise(sent->draws));
  return made;
}

/// A list with one array an image, [from, to) of what stands one after another.
template <class Number>
py::list per_image(const Number* numbers, std::span<const std::int32_t> starts) {
  py::list made;
  for (std::size_t i = 0; i + 1 < starts.size(); ++i)
    made.append(py::array_t<Number>(starts[i + 1] - starts[i], numbers + starts[i]));
  return made;
}

template <class Number, class Read>
py::array_t<Number> one_each(std::size_t count, const Read& read) {
  py::array_t<Number> made(static_cast<py::ssize_t>(count));
  for (std::size_t i = 0; i < count; ++i) made.mutable_data()[i] = read(i);
  return made;
}

const Complex* complex_of(const Tensor& tensor) {
  return reinterpret_cast<const Complex*>(tensor.data());
}
const Complex* complex_of(const Var& var) {
  return var.defined() ? complex_of(var.value()) : nullptr;
}

py::dict describe_sent(const Sent& self) {
  const Burst& burst = self.sent.burst;
  const TransmitTrace& trace = self.sent.trace;
  const std::size_t images = self.draws.images.size();
  py::dict made;
  made["symbols"] = per_image(complex_of(burst.symbols), burst.starts);
  made["tokens"] = trace.layout
                       ? py::object(per_image(trace.layout->positions.data(), trace.layout->starts))
                       : py::object(py::none());
  made["scores"] = py::none();
  if (trace.scores.defined()) {
    // A token that no gate looked at has no score.
    py::list scores;
    const int grid = self.model->model.architecture.grid();
    for (int i = 0; i < trace.scored->images(); ++i) {
      py::array_t<float> one(grid);
      std::fill_n(one.mutable_data(), grid, std::numeric_limits<float>::quiet_NaN());
      for (int r = trace.scored->starts[static_cast<std::size_t>(i)];
           r < trace.scored->starts[static_cast<std::size_t>(i) + 1]; ++r)
        one.mutable_data()[trace.scored->positions[static_cast<std::size_t>(r)]] =
            trace.scores.value().data()[r];
      scores.append(one);
    }
    made["scores"] = py::module_::import("numpy").attr("stack")(scores);
  }
  const auto plans = [&](auto member) {
    using Number = std::decay_t<decltype(std::declval<Plan>().*member)>;
    return one_each<Number>(images, [&](std::size_t i) { return self.planned.plans[i].*member; });
  };
  made["keep"] = plans(&Plan::keep_ratio);
  made["depth"] = plans(&Plan::exit_depth);
  made["symbols_per_token"] = plans(&Plan::symbols_per_token);
  made["believed_snr_db"] =
      one_each<double>(images, [&](std::size_t i) { return self.planned.states[i].snr_db; });
  made["exit_depth"] = one_each<std::int32_t>(
      images, [&](std::size_t i) { return i < trace.exit_depth.size() ? trace.exit_depth[i] : 0; });
  made["answer"] = one_each<std::int32_t>(
      images, [&](std::size_t i) { return i < trace.answer.size() ? trace.answer[i] : -1; });
  made["header_bits"] = one_each<std::int32_t>(images, [&](std::size_t i) {
    std::int32_t bits = 0;
    for (const Bits& part : burst.headers[i].parts) bits += static_cast<std::int32_t>(part.size());
    return bits;
  });
  return made;
}

py::dict describe_heard(const HeardBurst& self) {
  const Reception& heard = self.reception;
  py::dict made;
  made["symbols"] = per_image(complex_of(heard.symbols), heard.starts);
  made["gains"] = per_image(complex_of(heard.gains), heard.starts);
  made["noise_variance"] = per_image(heard.noise_variance.data(), heard.starts);
  made["mean_gain"] =
      one_each<double>(heard.mean_gain.size(), [&](std::size_t i) { return heard.mean_gain[i]; });
  py::list uses;
  for (const Ledger& one : heard.ledger) uses.append(to_dict(one));
  made["uses"] = uses;
  return made;
}

/// Images of any size: what stands for one that was not rebuilt is of its size.
std::vector<float> filled(const std::vector<float>& mean, std::size_t values) {
  if (mean.size() == values) return mean;
  std::vector<float> made(values);
  for (std::size_t v = 0; v < values; ++v) made[v] = mean[v % mean.size()];
  return made;
}

py::list routes_of(const Result& result) {
  py::list blocks;
  for (const RoutedBlock& block : result.routed) {
    const Routing& routing = block.routing;
    const py::ssize_t rows = block.logits.value().rows();
    py::dict made;
    made["experts"] = py::array_t<std::int32_t>({rows, static_cast<py::ssize_t>(routing.k)},
                                                routing.expert.data());
    made["probabilities"] = py::array_t<float>({rows, static_cast<py::ssize_t>(routing.experts)},
                                               routing.probabilities.value().data());
    blocks.append(made);
  }
  return blocks;
}

py::dict receive(const PythonModel& self, const HeardBurst& heard) {
  const Sent& sent = *heard.sent;
  if (sent.model.get() != &self)
    throw Error("heard", "was sent by another model, whose symbols this one does not understand");
  const Model& model = self.model;
  const std::size_t images = sent.draws.images.size();
  HeardImages answered;
  std::vector<float> pictures;
  {
    const py::gil_scoped_release others_may_run;
    Tape tape;  // as in transmit()
    Pass pass{.backend = processor(), .tape = &tape};
    pass.draws = sent.draws;
    answered = hear_images(pass, model, heard.reception);
  }
  const Result& result = answered.result;
  py::dict made;
  made["decisions"] =
      one_each<std::int32_t>(images, [&](std::size_t i) { return answered.decided[i]; });
  made["lost"] = one_each<bool>(images, [&](std::size_t i) { return result.lost[i] != 0; });
  made["logits"] = py::none();
  if (result.logits.defined())
    made["logits"] = given<float>(result.logits.value(),
                                  {result.logits.value().rows(), result.logits.value().columns()});
  made["pictures"] = py::none();
  made["rebuilt"] = py::none();
  if (model.rebuilds) {
    const RebuiltImages rebuilt(model, result);
    const Shape& shape = sent.shape;
    const auto values = static_cast<std::size_t>(shape[1] * shape[2] * shape[3]);
    pictures.reserve(images * values);
    const std::vector<float> mean = filled(model.receiver->mean_image(), values);
    for (std::size_t i = 0; i < images; ++i)
      pictures.insert(pictures.end(), mean.begin(), mean.end());
    std::vector<std::uint8_t> there(images, 0);
    for (std::size_t j = 0; j < result.rebuilt.size(); ++j) {
      const auto i = static_cast<std::size_t>(result.rebuilt[j]);
      const std::span<const float> image = rebuilt.image(j);
      std::copy(image.begin(), image.end(),
                pictures.begin() + static_cast<std::ptrdiff_t>(i * values));
      there[i] = 1;
    }
    made["pictures"] = given<float>(std::move(pictures), {shape[0], shape[1], shape[2], shape[3]});
    made["rebuilt"] = one_each<bool>(images, [&](std::size_t i) { return there[i] != 0; });
  }
  made["expert_rows"] = one_each<std::int64_t>(
      result.expert_rows.size(), [&](std::size_t e) { return result.expert_rows[e]; });
  made["routes"] = routes_of(result);
  return made;
}

}  // namespace

void add_model(py::module_& module) {
  py::class_<Sent, std::shared_ptr<Sent>>(module, "Sent")
      .def("describe", &describe_sent)
      .def_property_readonly("ids", [](const Sent& self) {
        return one_each<std::uint32_t>(self.draws.images.size(),
                                       [&](std::size_t i) { return self.draws.images[i]; });
      });
  py::class_<HeardBurst, std::shared_ptr<HeardBurst>>(module, "HeardBurst")
      .def("describe", &describe_heard);
  py::class_<PythonModel, std::shared_ptr<PythonModel>>(module, "Model")
      .def(py::init(&load_model))
      .def_property_readonly(
          "scenario",
          [](const PythonModel& self) { return to_python(OrderedJson(self.scenario.resolved)); })
      .def_property_readonly("architecture",
                             [](const PythonModel& self) {
                               return to_python(OrderedJson(self.model.architecture.to_json()));
                             })
      .def_property_readonly("channel", [](const PythonModel& self) { return self.channel; })
      .def_property_readonly("sha256", [](const PythonModel& self) { return self.model.sha256; })
      .def("transmit", &transmit)
      .def("receive", &receive);
  module.def("architecture", [](const std::string& text, const std::string& place) {
    return to_python(
        OrderedJson(resolve(parse_json(text, place), Architecture::fields(), {place, ""})));
  });
  module.def("apply_burst", &apply_burst);
}

}  // namespace semwave::python
