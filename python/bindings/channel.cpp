// Channels from Python: symbols of anybody's model go through the very code, and the very draws,
// that a run sends its own through.
#include "python/bindings/channel.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

#include <pybind11/stl.h>

#include "channel/registry.h"
#include "core/base/error.h"
#include "phy/header/header_codec.h"
#include "phy/signal/equaliser_registry.h"
#include "phy/signal/signal.h"
#include "python/bindings/bindings.h"

namespace semwave::python {

Backend& processor() {
  static const std::unique_ptr<Backend> backend = make_cpu_backend();
  return *backend;
}

std::shared_ptr<PythonChannel> make_channel(const py::handle& settings) {
  const Field field = channels().field("channel");
  const Place place{"channel", ""};
  const Json resolved = resolve(Json(to_json(settings, "")), field, place);
  return std::make_shared<PythonChannel>(
      PythonChannel{OrderedJson(resolved), Channel(channels().make(resolved, place))});
}

Draws draws_argument(const py::handle& images, std::uint64_t seed, std::uint32_t visit) {
  return {.seed = seed, .visit = visit, .images = ids_argument(images, "images")};
}

Fading realised(const Channel& channel, const Draws& draws, const py::handle& snr_db) {
  if (snr_db.is_none()) return channel.realise(draws);
  return channel.realise(draws, numbers_argument(snr_db, "snr_db", draws.images.size()));
}

py::dict to_dict(const Ledger& ledger) {
  py::dict made;
  made["payload"] = ledger.payload;
  made["header"] = ledger.header;
  made["pilots"] = ledger.pilots;
  made["parity"] = ledger.parity;
  made["prefix"] = ledger.prefix;
  return made;
}

namespace {

using Complex = std::complex<float>;

/// Symbols that are on their way together: what they meet stays in the processor's cache.
constexpr std::size_t symbols_at_once = 16384;

bool any_strange(const float* numbers, std::int64_t count) {
  constexpr std::uint32_t exponent = 0x7F80'0000;
  std::uint32_t any = 0;  // without a branch, so that many are looked at together
  for (std::int64_t i = 0; i < count; ++i)
    any |= (std::bit_cast<std::uint32_t>(numbers[i]) & exponent) == exponent;
  return any != 0;
}

/// Copies numbers, to nowhere where `to` is null, and says whether one of them is NaN or infinite:
/// a pass over what was sent, to look for those, would take a tenth of the channel's time.
bool copy_and_look(const Tensor& from, Complex* to) {
  constexpr std::int64_t at_once =
      4096;  // numbers that are still in the cache when they are copied
  auto* const copies = reinterpret_cast<float*>(to);
  bool strange = false;
  for (std::int64_t i = 0; i < from.size(); i += at_once) {
    const std::int64_t count = std::min(at_once, from.size() - i);
    strange |= any_strange(from.data() + i, count);
    if (to != nullptr)
      std::memcpy(copies + i, from.data() + i, static_cast<std::size_t>(count) * sizeof(float));
  }
  return strange;
}

/// Images [first, last) of a realisation.
Fading part_of(const Fading& whole, std::size_t first, std::size_t last) {
  Fading part = whole;
  const auto cut = [&](auto& list, const auto& from) {
    list.assign(from.begin() + static_cast<std::ptrdiff_t>(first),
                from.begin() + static_cast<std::ptrdiff_t>(last));
  };
  cut(part.links, whole.links);
  cut(part.mean_snr_db, whole.mean_snr_db);
  cut(part.receiver_pilots, whole.receiver_pilots);
  return part;
}

/// The derivative of `y`, whose every symbol depends on its own of `x` alone, by the steps that the
/// pass recorded: they are run back from a gradient of 1, which leaves the conjugate.
void write_slope(Tape& tape, const Var& x, const Var& y, Complex* slope) {
  Backend& backend = processor();
  const Var end(backend.zeros({1}), true);
  tape.record([&] {
    auto* const gradient = reinterpret_cast<Complex*>(y.gradient(backend).data());
    std::fill_n(gradient, y.value().rows(), Complex(1, 0));
  });
  tape.backward(backend, end);
  const auto* const conjugate = reinterpret_cast<const Complex*>(x.gradient(backend).data());
  for (std::int64_t s = 0; s < x.value().rows(); ++s) slope[s] = std::conj(conjugate[s]);
}

/// Where the results of a call go; null: not wanted, or left in `whole`.
struct Results {
  Complex *symbols = nullptr, *gains = nullptr, *slope = nullptr;
  float* noise_variance = nullptr;
  bool* erased = nullptr;
  double* mean_gain = nullptr;
  PooledVector<Ledger> uses;
  bool strange = false;  // a symbol that was heard is NaN or infinite
  Reception whole;       // of images that were on their way all at once
};

/// Symbols [images, symbols] of many images, some images at a time.
struct Crossing {
  const Channel& channel;
  const Fading& fading;
  const Draws& draws;
  Complex* x;
  std::size_t images, symbols;
  const PooledVector<std::int32_t>& places;  // [symbols], or empty: 0, 1, 2, ...

  void run(Results& results) const {
    for (std::size_t first = 0; first < images; first += at_once())
      pass_images(first, std::min(images, first + at_once()), results);
  }
  bool all_at_once() const { return images <= at_once(); }

 private:
  std::size_t at_once() const {
    return std::max<std::size_t>(1, symbols_at_once / std::max<std::size_t>(1, symbols));
  }

  Burst burst_of(std::size_t count, const Var& sent) const {
    Burst burst{
        .headers = PooledVector<HeaderOnAir>(count),
        .symbols = sent,
        .ledger = PooledVector<Ledger>(count, {.payload = static_cast<std::int64_t>(symbols)})};
    burst.starts.reserve(count + 1);
    burst.places.resize(count * symbols);
    burst.starts.push_back(0);
    for (std::size_t i = 0; i < count; ++i) {
      const auto of_image = burst.places.begin() + static_cast<std::ptrdiff_t>(i * symbols);
      if (places.empty())
        std::iota(of_image, of_image + static_cast<std::ptrdiff_t>(symbols), 0);
      else
        std::copy(places.begin(), places.end(), of_image);
      burst.starts.push_back(static_cast<std::int32_t>((i + 1) * symbols));
    }
    return burst;
  }

  void pass_images(std::size_t first, std::size_t last, Results& results) const {
    const std::size_t count = last - first, from = first * symbols;
    const auto total = static_cast<std::int64_t>(count * symbols);
    Tape tape;
    Pass pass{.backend = processor()};
    if (results.slope) pass.tape = &tape;
    pass.draws = {draws.seed,
                  draws.visit,
                  {draws.images.begin() + static_cast<std::ptrdiff_t>(first),
                   draws.images.begin() + static_cast<std::ptrdiff_t>(last)}};
    const Var sent(borrowed(reinterpret_cast<float*>(x + from), {total, 2}),
                   results.slope != nullptr);
    Reception heard = channel.apply(pass, burst_of(count, sent), part_of(fading, first, last));
    const auto copy = [&](auto* to, const float* numbers) {
      if (to != nullptr && total > 0)
        std::memcpy(static_cast<void*>(to + from), numbers,
                    static_cast<std::size_t>(total) * sizeof(*to));
    };
    results.strange |=
        copy_and_look(heard.symbols.value(), results.symbols ? results.symbols + from : nullptr);
    copy(results.gains, heard.gains.data());
    copy(results.noise_variance, heard.noise_variance.data());
    if (results.erased != nullptr)
      std::copy(heard.erased.begin(), heard.erased.end(), results.erased + from);
    std::copy(heard.mean_gain.begin(), heard.mean_gain.end(), results.mean_gain + first);
    results.uses.insert(results.uses.end(), heard.ledger.begin(), heard.ledger.end());
    if (results.slope != nullptr && total > 0)
      write_slope(tape, sent, heard.symbols, results.slope + from);
    if (all_at_once()) results.whole = std::move(heard);
  }
};

PooledVector<std::int32_t> places_argument(const py::handle& value, std::size_t symbols) {
  if (value.is_none()) return {};
  PooledVector<std::int32_t> places(symbols);
  const PooledVector<std::uint32_t> ids = ids_argument(value, "places");
  if (ids.size() != symbols)
    throw Error("places", "must be one for each of the " + std::to_string(symbols) + " symbols");
  std::transform(ids.begin(), ids.end(), places.begin(), [](std::uint32_t place) {
    if (place > 0x7FFFFFFFu) throw Error("places", "must be below 2^31");
    return static_cast<std::int32_t>(place);
  });
  return places;
}

/// What was heard of symbols [images, symbols].
struct Heard {
  py::object symbols, gains, noise_variance, mean_gain;
  py::object erased = py::none(), slope = py::none();  // where there are any
  PooledVector<Ledger> uses;
};

constexpr std::size_t most_symbols = std::size_t{1} << 30;

/// A realisation, and the channel that knows what to do with it.
struct Realised {
  Fading fading;
  std::shared_ptr<const PythonChannel> channel;
};

const Fading& own_fading(const PythonChannel& self, const Realised& realised) {
  if (realised.channel.get() != &self)
    throw Error("fading", "was realised by another channel than this one");
  return realised.fading;
}

Heard apply(const PythonChannel& self, const py::handle& symbols, const Realised& realisation,
            const py::handle& places, const py::handle& out, bool slope) {
  const Fading& fading = own_fading(self, realisation);
  const py::array x = array_argument(symbols, "x", "complex64", 2);
  const auto images = static_cast<std::size_t>(x.shape(0)),
             width = static_cast<std::size_t>(x.shape(1));
  if (images != fading.links.size())
    throw Error("x", "has " + std::to_string(images) + " images, and the link was realised for " +
                         std::to_string(fading.links.size()));
  if (images * width > most_symbols) throw Error("x", "has more than 2^30 symbols");
  const std::vector<py::ssize_t> shape{x.shape(0), x.shape(1)};
  const PooledVector<std::int32_t> at = places_argument(places, width);
  const Draws draws{fading.seed, fading.slot, fading.links};
  const Crossing crossing{
      self.channel, fading, draws, static_cast<Complex*>(const_cast<void*>(x.data())),
      images,       width,  at};
  const bool whole = images > 0 && crossing.all_at_once();
  Heard heard;
  Results results;
  if (!out.is_none()) {
    const py::array result = writable_argument(out, "out", "complex64", 2);
    if (result.shape(0) != x.shape(0) || result.shape(1) != x.shape(1))
      throw Error("out", "must have the shape of x, [" + std::to_string(images) + ", " +
                             std::to_string(width) + "]");
    results.symbols = static_cast<Complex*>(const_cast<void*>(result.data()));
    const auto apart = std::abs(results.symbols - crossing.x);
    if (apart > 0 && apart < x.size())
      throw Error("out", "overlaps x; it may be x itself, or memory of its own");
    heard.symbols = result;
  }
  const auto make = [&]<class Number>(Number*& numbers, py::object& member) {
    py::array_t<Number> array(shape);
    numbers = array.mutable_data();
    member = array;
  };
  if (!whole) {
    if (out.is_none()) make(results.symbols, heard.symbols);
    make(results.gains, heard.gains);
    make(results.noise_variance, heard.noise_variance);
  }
  if (slope) make(results.slope, heard.slope);
  if (self.channel.settings().loss) make(results.erased, heard.erased);
  py::array_t<double> mean_gain(x.shape(0));
  results.mean_gain = mean_gain.mutable_data();
  {
    const py::gil_scoped_release others_may_run;
    crossing.run(results);
  }
  if (results.strange) check_finite(x, "x");
  if (whole) {  // the tensors' own memory
    if (out.is_none()) heard.symbols = given<Complex>(results.whole.symbols.value(), shape);
    heard.gains = given<Complex>(results.whole.gains, shape);
    heard.noise_variance = given<float>(results.whole.noise_variance, shape);
  }
  heard.mean_gain = mean_gain;
  heard.uses = std::move(results.uses);
  return heard;
}

/// z = c y with c from gains and noise variances, all of one shape; its error variance, and c.
py::tuple equalise_arrays(const py::handle& symbols, const py::handle& gains,
                          const py::handle& noise_variance, const py::handle& kind, bool slope) {
  const py::array y = array_argument(symbols, "symbols", "complex64", -1),
                  h = array_argument(gains, "gains", "complex64", -1),
                  n0 = array_argument(noise_variance, "noise_variance", "float32", -1);
  if (h.size() != y.size() || n0.size() != y.size())
    throw Error("gains", "and noise_variance must have the shape of symbols");
  const Place place{"equaliser", ""};
  const Equaliser equaliser = equalisers().make(
      resolve(Json(to_json(kind, "")), equalisers().field("equaliser"), place), place);
  const std::vector<py::ssize_t> shape(y.shape(), y.shape() + y.ndim());
  const auto total = static_cast<std::int64_t>(y.size());
  py::array_t<Complex> factor(slope ? shape : std::vector<py::ssize_t>{0});
  Tape tape;
  Equalised made;
  {
    const py::gil_scoped_release others_may_run;
    const auto numbers = [](const py::array& array) {
      return static_cast<float*>(const_cast<void*>(array.data()));
    };
    Pass pass{.backend = processor()};
    if (slope) pass.tape = &tape;
    const Var heard(borrowed(numbers(y), {total, 2}), slope);
    made = equalise(pass, heard, borrowed(numbers(h), {total, 2}), borrowed(numbers(n0), {total}),
                    equaliser);
    if (slope && total > 0) write_slope(tape, heard, made.symbols, factor.mutable_data());
  }
  return py::make_tuple(given<Complex>(made.symbols.value(), shape),
                        given<float>(made.variance, shape),
                        slope ? py::object(factor) : py::none());
}

/// Gains of the first `uses` uses: [images, uses], or [images, branches, uses] of several branches.
py::array gains_of(const Fading& fading, std::int64_t uses) {
  if (uses < 0 || uses > (std::int64_t{1} << 30)) throw Error("uses", "must be from 0 to 2^30");
  const auto images = static_cast<std::size_t>(fading.images()),
             branches = static_cast<std::size_t>(fading.law.branches),
             count = static_cast<std::size_t>(uses);
  std::vector<std::complex<double>> made(images * branches * count, 1.0);
  if (fading.fades()) {
    const py::gil_scoped_release others_may_run;
    auto at = made.begin();
    for (std::size_t i = 0; i < images; ++i)
      for (std::size_t b = 0; b < branches; ++b) {
        LinkGains gains(fading, static_cast<int>(i), static_cast<int>(b), fading.intervals(uses));
        for (std::int64_t use = 0; use < uses; ++use) *at++ = gains.at(fading.coherence_index(use));
      }
  }
  std::vector<py::ssize_t> shape{fading.images()};
  if (branches > 1) shape.push_back(fading.law.branches);
  shape.push_back(uses);
  return given<std::complex<double>>(std::move(made), shape);
}

py::tuple observe(const PythonChannel& self, const Realised& realisation) {
  const Fading& fading = own_fading(self, realisation);
  static constexpr const char* names[] = {"perfect", "estimated", "delayed", "quantised", "none"};
  const PooledVector<ChannelState> states = self.channel.observe(fading);
  py::array_t<double> snr_db(static_cast<py::ssize_t>(states.size()));
  py::array_t<std::int32_t> age(static_cast<py::ssize_t>(states.size()));
  for (std::size_t i = 0; i < states.size(); ++i) {
    snr_db.mutable_data()[i] = states[i].snr_db;
    age.mutable_data()[i] = states[i].age;
  }
  const CsiKind how = states.empty() ? CsiKind::perfect : states[0].how;
  return py::make_tuple(snr_db, age, names[static_cast<std::size_t>(how)]);
}

py::array_t<double> noise_variances(const Fading& fading) {
  py::array_t<double> made(fading.images());
  for (int i = 0; i < fading.images(); ++i) made.mutable_data()[i] = fading.noise_variance(i);
  return made;
}

py::list ledgers(const PooledVector<Ledger>& uses) {
  py::list made;
  for (const Ledger& one : uses) made.append(to_dict(one));
  return made;
}

std::int64_t count_argument(std::int64_t value, const char* name) {
  if (value < 0 || value > std::int64_t{1} << 40)
    throw Error(name, "must be from 0 to 2^40, found " + std::to_string(value));
  return value;
}

/// A header of these parts, in the cheapest format whose predicted loss is small at this SNR.
py::dict header_of(const std::vector<int>& part_bits, double snr_db) {
  for (const int bits : part_bits)
    if (bits < 0 || bits > 1 << 20) throw Error("bits", "must be from 0 to 2^20");
  const int format = choose_header_format(part_bits, snr_db);
  py::dict made;
  made["format"] = header_formats()[static_cast<std::size_t>(format)].name;
  made["uses"] = header_uses(part_bits, format);
  made["loss"] = header_loss(part_bits, format, snr_db);
  return made;
}

}  // namespace

void add_channel(py::module_& module) {
  py::class_<Realised>(module, "Fading",
                       "What Channel.realise() gave: the links of `images`, their `snr_db` and "
                       "`noise_variance`.")
      .def_property_readonly("images",
                             [](const Realised& self) {
                               return given<std::uint32_t>(
                                   PooledVector<std::uint32_t>(self.fading.links),
                                   {self.fading.images()});
                             })
      .def_property_readonly("snr_db",
                             [](const Realised& self) {
                               return given<double>(PooledVector<double>(self.fading.mean_snr_db),
                                                    {self.fading.images()});
                             })
      .def_property_readonly("noise_variance",
                             [](const Realised& self) { return noise_variances(self.fading); })
      .def_property_readonly("seed", [](const Realised& self) { return self.fading.seed; })
      .def_property_readonly("visit", [](const Realised& self) { return self.fading.slot; })
      .def(
          "gains",
          [](const Realised& self, std::int64_t uses) { return gains_of(self.fading, uses); },
          py::arg("uses"),
          "complex128 [images, uses] of the first channel uses, or [images, branches, uses] of "
          "several antennas or taps.");
  py::class_<Heard>(module, "Heard")
      .def_readonly("symbols", &Heard::symbols)
      .def_readonly("gains", &Heard::gains)
      .def_readonly("noise_variance", &Heard::noise_variance)
      .def_readonly("erased", &Heard::erased)
      .def_readonly("mean_gain", &Heard::mean_gain)
      .def_readonly("slope", &Heard::slope)
      .def_property_readonly("uses", [](const Heard& self) { return ledgers(self.uses); });
  py::class_<PythonChannel, std::shared_ptr<PythonChannel>>(module, "Channel")
      .def(py::init(&make_channel))
      .def_property_readonly("settings",
                             [](const PythonChannel& self) { return to_python(self.settings); })
      .def("realise",
           [](const std::shared_ptr<PythonChannel>& self, const py::object& images,
              std::uint64_t seed, std::uint32_t visit, const py::object& snr_db) {
             return Realised{realised(self->channel, draws_argument(images, seed, visit), snr_db),
                             self};
           })
      .def("observe", &observe)
      .def("apply", &apply)
      .def("uses", [](const PythonChannel& self, std::int64_t payload, std::int64_t header,
                      std::int64_t parity) {
        const Csi& receiver = self.channel.settings().receiver;
        return to_dict(
            self.channel.uses({.payload = count_argument(payload, "payload"),
                               .header = count_argument(header, "header"),
                               .parity = count_argument(parity, "parity")},
                              receiver.kind == CsiKind::estimated ? receiver.pilots : 0));
      });
  module.def("equalise", &equalise_arrays);
  module.def("header", &header_of);
}

}  // namespace semwave::python
