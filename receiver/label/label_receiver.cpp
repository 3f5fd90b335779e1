#include "receiver/label/label_receiver.h"

#include "phy/header/header_codec.h"
#include "phy/header/label_header.h"

namespace semwave {

std::optional<int> LabelReceiver::label(std::span<const std::complex<float>> symbols,
                                        std::span<const std::complex<float>> gains,
                                        double noise_variance) const {
  const int classes = classes_;
  const std::optional<PooledVector<Bits>> parts = decode_header(
      symbols, gains, noise_variance, label_word_bits(classes), [classes](const Bits& word) {
        return read_label(word, classes) ? std::optional<int>(0) : std::nullopt;
      });
  return parts ? read_label((*parts)[0], classes) : std::nullopt;
}

Result LabelReceiver::receive(Pass& pass, const Reception& heard) const {
  const std::size_t count = heard.header_symbols.size();
  Result result;
  result.logits = Var(pass.backend.zeros({static_cast<std::int64_t>(count), classes_}));
  result.lost.assign(count, 0);
  result.answers.assign(count, -1);
  result.expert_rows.assign(1, 0);
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<int> said =
        label(heard.header_symbols[i], heard.header_gains[i], heard.header_noise_variance[i]);
    result.lost[i] = !said;
    if (said) result.answers[i] = *said;
  }
  return result;
}

std::vector<float> LabelReceiver::mean_image() const {
  std::vector<float> out(static_cast<std::size_t>(mean_image_.value.size()));
  backend_.to_host(mean_image_.value, out.data());
  return out;
}

bool LabelReceiver::reads(std::span<const std::complex<float>> symbols,
                          std::span<const std::complex<float>> gains, double noise_variance) const {
  return label(symbols, gains, noise_variance).has_value();
}

}  // namespace semwave
