// Bits from Python: a channel code on a constellation, and image codecs, step by step.
#include <memory>
#include <string>
#include <utility>

#include <pybind11/stl.h>

#include "core/base/error.h"
#include "core/config/mistakes.h"
#include "core/data/codec/image_codec.h"
#include "core/data/picture.h"
#include "experiment/scenario/overrides.h"
#include "phy/transport/transport.h"
#include "python/bindings/bindings.h"
#include "python/bindings/convert.h"

namespace semwave::python {
namespace {

using Complex = std::complex<float>;

/// What a scenario's `link` describes, for frames of one length.
class PythonLink {
 public:
  explicit PythonLink(const py::handle& settings) {
    OrderedJson written{{"version", 1}, {"channel", "awgn"}};
    written["link"] = to_json(settings, "");
    if (!written["link"].is_object()) throw Error("link", "must be a dict, as a scenario's link");
    if (written["link"].contains("eb_n0_db"))
      throw Error("link: /eb_n0_db", "belongs to a run: a Link has no channel");
    Mistakes first;
    const Scenario scenario = read_written(written, "link", {}, first);
    settings_ = OrderedJson(scenario.resolved["link"]);
    const LinkSettings& link = scenario.link.value();
    transport_ = std::make_unique<Transport>(link.block_bits, link.coding, link.decoding);
  }

  const OrderedJson& settings() const { return settings_; }
  const Transport& transport() const { return *transport_; }

  py::array encode(const py::handle& bits) const {
    const py::array from = bits_argument(bits, "bits", transport_->bits());
    py::array_t<std::uint8_t> air({from.shape(0), count(transport_->air_bits())});
    each_frame(from.shape(0), [&](std::size_t f) {
      transport_->encode_bits(frame<const std::uint8_t>(from, f, transport_->bits()),
                              frame<std::uint8_t>(air, f, transport_->air_bits()));
    });
    return air;
  }

  py::array modulate(const py::handle& bits) const {
    const py::array from = bits_argument(bits, "bits", transport_->air_bits());
    py::array_t<Complex> symbols({from.shape(0), count(transport_->uses())});
    each_frame(from.shape(0), [&](std::size_t f) {
      const Symbols made =
          semwave::modulate(transport_->layout().modulation,
                            frame<const std::uint8_t>(from, f, transport_->air_bits()));
      std::copy(made.begin(), made.end(), frame<Complex>(symbols, f, transport_->uses()).begin());
    });
    return symbols;
  }

  py::array demap(const py::handle& symbols, const py::handle& gains,
                  const py::handle& noise_variance) const {
    const py::array y = frames_argument(symbols, "symbols", "complex64", transport_->uses());
    const py::array h = frames_argument(gains, "gains", "complex64", transport_->uses()),
                    n0 = frames_argument(noise_variance, "noise_variance", "float32",
                                         transport_->uses());
    for (const auto& [array, name] :
         {std::pair{y, "symbols"}, {h, "gains"}, {n0, "noise_variance"}})
      check_finite(array, name);
    if (h.shape(0) != y.shape(0) || n0.shape(0) != y.shape(0))
      throw Error("gains", "and noise_variance must have the shape of symbols");
    const auto* const variances = static_cast<const float*>(n0.data());
    for (py::ssize_t s = 0; s < n0.size(); ++s)
      if (variances[s] < 0) throw Error("noise_variance", "must not be below 0");
    py::array_t<float> soft({y.shape(0), count(transport_->air_bits())});
    const auto total = static_cast<std::size_t>(y.size());
    {
      const py::gil_scoped_release others_may_run;
      transport_->demap({static_cast<const Complex*>(y.data()), total},
                        {static_cast<const Complex*>(h.data()), total}, {variances, total},
                        {soft.mutable_data(), static_cast<std::size_t>(soft.size())});
    }
    return soft;
  }

  py::tuple decode(const py::handle& soft_bits) const {
    const py::array soft = frames_argument(soft_bits, "soft", "float32", transport_->air_bits());
    check_finite(soft, "soft");
    const py::ssize_t frames = soft.shape(0);
    py::array_t<std::uint8_t> bits({frames, count(transport_->bits())});
    py::array_t<bool> held({frames, count(transport_->blocks())});
    py::array_t<std::int32_t> iterations({frames, count(transport_->blocks())});
    if (frames > 0) {
      const py::gil_scoped_release others_may_run;
      const auto all = [](auto& array) { return static_cast<std::size_t>(array.size()); };
      transport_->decode_soft({static_cast<const float*>(soft.data()), all(soft)},
                              {bits.mutable_data(), all(bits)},
                              {reinterpret_cast<std::uint8_t*>(held.mutable_data()), all(held)},
                              {iterations.mutable_data(), all(iterations)});
    }
    return py::make_tuple(bits, held, iterations);
  }

 private:
  static py::ssize_t count(std::size_t number) { return static_cast<py::ssize_t>(number); }

  static py::array frames_argument(const py::handle& value, const std::string& name,
                                   const char* dtype, std::size_t width) {
    py::array array = array_argument(value, name, dtype, 2);
    if (static_cast<std::size_t>(array.shape(1)) != width)
      throw Error(name, "must be [frames, " + std::to_string(width) + "], found [" +
                            std::to_string(array.shape(0)) + ", " + std::to_string(array.shape(1)) +
                            "]");
    return array;
  }
  static py::array bits_argument(const py::handle& value, const std::string& name,
                                 std::size_t width) {
    py::array array = frames_argument(value, name, "uint8", width);
    const auto* const bits = static_cast<const std::uint8_t*>(array.data());
    std::uint8_t any = 0;
    for (py::ssize_t b = 0; b < array.size(); ++b) any |= bits[b];
    if (any > 1) throw Error(name, "must be 0 or 1, one bit an entry");
    return array;
  }
  template <class Number>
  static std::span<Number> frame(const py::array& array, std::size_t f, std::size_t width) {
    return {static_cast<Number*>(const_cast<void*>(array.data())) + f * width, width};
  }
  template <class Work>
  static void each_frame(py::ssize_t frames, const Work& work) {
    const py::gil_scoped_release others_may_run;
    for (py::ssize_t f = 0; f < frames; ++f) work(static_cast<std::size_t>(f));
  }

  OrderedJson settings_;
  std::unique_ptr<const Transport> transport_;
};

/// An image codec by its name or its settings, as a scenario's transmitter.codec.
class PythonCodec {
 public:
  explicit PythonCodec(const py::handle& settings) {
    const Place place{"codec", ""};
    const Json resolved =
        resolve(Json(to_json(settings, "")), image_codecs().field("codec"), place);
    settings_ = OrderedJson(resolved);
    codec_ = image_codecs().make(resolved, place);
  }
  const OrderedJson& settings() const { return settings_; }

  py::bytes encode(const py::handle& picture, int quality) const {
    const py::array pixels = array_argument(picture, "picture", "uint8", 3);
    if (quality < 0 || quality > ImageCodec::best_quality)
      throw Error("quality", "must be from 0 to 100, found " + std::to_string(quality));
    check_size(pixels.shape(0), pixels.shape(1), pixels.shape(2));
    const auto* const from = static_cast<const std::uint8_t*>(pixels.data());
    const Picture made{static_cast<int>(pixels.shape(0)),
                       static_cast<int>(pixels.shape(1)),
                       static_cast<int>(pixels.shape(2)),
                       {from, from + pixels.size()}};
    std::vector<std::uint8_t> stream;
    {
      const py::gil_scoped_release others_may_run;
      stream = codec_->encode(made, quality);
    }
    return {reinterpret_cast<const char*>(stream.data()), stream.size()};
  }

  py::array decode(const py::bytes& stream, int height, int width, int channels) const {
    check_size(height, width, channels);
    const std::string bytes = stream;
    Picture made;
    {
      const py::gil_scoped_release others_may_run;
      made = codec_->decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                            height, width, channels);
    }
    return given<std::uint8_t>(std::move(made.pixels), {height, width, channels});
  }

 private:
  static void check_size(py::ssize_t height, py::ssize_t width, py::ssize_t channels) {
    if (height < 1 || height > 8192 || width < 1 || width > 8192 ||
        (channels != 1 && channels != 3))
      throw Error("picture",
                  "must be [height, width, channels] of 1 or 3 channels and at most "
                  "8192 pixels a side");
  }

  OrderedJson settings_;
  std::shared_ptr<const ImageCodec> codec_;
};

}  // namespace

void add_link(py::module_& module) {
  const auto number = [](auto get) {
    return [get](const PythonLink& self) { return (self.transport().*get)(); };
  };
  py::class_<PythonLink>(module, "Link")
      .def(py::init<const py::object&>())
      .def_property_readonly("settings",
                             [](const PythonLink& self) { return to_python(self.settings()); })
      .def_property_readonly(
          "name", [](const PythonLink& self) { return self.transport().layout().name(); })
      .def_property_readonly("bits", number(&Transport::bits))
      .def_property_readonly("air_bits", number(&Transport::air_bits))
      .def_property_readonly("uses", number(&Transport::uses))
      .def_property_readonly("blocks", number(&Transport::blocks))
      .def_property_readonly(
          "parity_uses",
          [](const PythonLink& self) { return self.transport().layout().parity_uses(); })
      .def("encode", &PythonLink::encode)
      .def("modulate", &PythonLink::modulate)
      .def("demap", &PythonLink::demap)
      .def("decode", &PythonLink::decode);
  py::class_<PythonCodec>(module, "Codec")
      .def(py::init<const py::object&>())
      .def_property_readonly("settings",
                             [](const PythonCodec& self) { return to_python(self.settings()); })
      .def("encode", &PythonCodec::encode)
      .def("decode", &PythonCodec::decode);
}

}  // namespace semwave::python
