// Binary BCH codes (Hocquenghem 1959; Bose and Ray-Chaudhuri 1960), primitive and narrow-sense:
// length n = 2^m - 1, any t errors corrected. Systematic: the message, then its remainder by the
// generator. A code block that is not full is shortened: zeros before the message are not sent.
//
// Decoded by hard decisions within distance t: syndromes, Berlekamp and Massey's shortest register
// (1969), Chien's search (1964). More than t errors are found out, or become another codeword.
#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "phy/bounds/error_rate.h"
#include "phy/code/channel_code.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr int smallest_degree = 3, largest_degree = 10;
constexpr int longest = (1 << largest_degree) - 1, most_corrected = longest / 2;

/// Primitive polynomials by degree (Lin and Costello, "Error Control Coding", table 2.7).
constexpr std::array<unsigned, largest_degree + 1> primitive = {
    0, 0, 0, 0xB, 0x13, 0x25, 0x43, 0x89, 0x11D, 0x211, 0x409};

/// GF(2^m) by powers of its primitive element.
class Field2m {
 public:
  explicit Field2m(int degree)
      : order_((1 << degree) - 1),
        power_(2 * static_cast<std::size_t>(order_)),
        log_(static_cast<std::size_t>(order_) + 1) {
    unsigned element = 1;
    for (int i = 0; i < order_; ++i) {
      power_[static_cast<std::size_t>(i)] = power_[static_cast<std::size_t>(i + order_)] =
          static_cast<int>(element);
      log_[element] = i;
      element <<= 1;
      if (element > static_cast<unsigned>(order_))
        element ^= primitive[static_cast<std::size_t>(degree)];
    }
  }

  int order() const { return order_; }  // of the multiplicative group: n
  int power(int exponent) const {
    return power_[static_cast<std::size_t>(exponent)];
  }  // 0 to 2n - 1
  int times(int a, int b) const { return a == 0 || b == 0 ? 0 : power_[sum_of_logs(a, b)]; }
  int over(int a, int b) const {
    return a == 0 ? 0 : power_[static_cast<std::size_t>(log(a) + order_ - log(b))];
  }

 private:
  int log(int a) const { return log_[static_cast<std::size_t>(a)]; }
  std::size_t sum_of_logs(int a, int b) const { return static_cast<std::size_t>(log(a) + log(b)); }

  int order_;
  std::vector<int> power_, log_;
};

/// What every coder and decoder of one code shares.
struct Bch {
  Bch(int degree, int corrected) : field(degree), n(field.order()), t(corrected) {
    // The generator is the product of the minimal polynomials of alpha, alpha^3 ... alpha^(2t - 1).
    std::vector<bool> root(static_cast<std::size_t>(n));
    std::vector<int> product = {1};  // lowest power first, over the field; ends up binary
    for (int first = 1; first < 2 * t; first += 2)
      for (int r = first; !root[static_cast<std::size_t>(r)]; r = 2 * r % n) {
        root[static_cast<std::size_t>(r)] = true;
        product.insert(product.begin(), 0);
        for (std::size_t i = 0; i + 1 < product.size(); ++i)
          product[i] ^= field.times(product[i + 1], field.power(r));
      }
    generator.assign(product.begin(), product.end());
    k = n - static_cast<int>(generator.size()) + 1;
  }

  Field2m field;
  int n, t, k = 0;
  Bits generator;  // lowest power first
};

class BchDecoder final : public BlockDecoder {
 public:
  BchDecoder(std::shared_ptr<const Bch> code, const CodeBlocks& blocks)
      : code_(std::move(code)),
        blocks_(blocks),
        syndrome_(2 * static_cast<std::size_t>(code_->t)),
        locator_(syndrome_.size() + 2),
        last_(locator_.size()),
        saved_(locator_.size()) {}

  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    const auto parity = static_cast<std::size_t>(code_->n - code_->k);
    decode_one_by_one(
        blocks_, soft, messages, verdicts,
        [&](int block) {
          const auto bits = static_cast<std::size_t>(blocks_.message_bits(block));
          return std::pair(bits + parity, bits);
        },
        [&](int, std::span<const float> heard, std::span<std::uint8_t> message) {
          const std::span received = std::span(received_).first(heard.size());
          for (std::size_t i = 0; i < heard.size(); ++i) received[i] = heard[i] < 0;
          const BlockVerdict verdict{.holds = correct(received)};
          std::copy_n(received.begin(), message.size(), message.begin());
          return verdict;
        });
  }

 private:
  /// Whether a codeword lies within t; `bits`, the highest power first, is then that one, else as
  /// it was.
  bool correct(std::span<std::uint8_t> bits) {
    if (!find_syndromes(bits)) return true;
    const int errors = find_locator();
    if (errors > code_->t) return false;

    // A root alpha^-p of the locator is an error at power p. Its terms turn with p: by alpha^-i.
    const Field2m& field = code_->field;
    std::copy_n(locator_.begin(), errors + 1, saved_.begin());
    std::array<std::size_t, longest> wrong;
    int found = 0;
    for (std::size_t p = 0; p < bits.size() && found < errors; ++p) {
      int sum = 0;
      for (int i = 0; i <= errors; ++i) {
        int& term = saved_[static_cast<std::size_t>(i)];
        sum ^= term;
        term = field.times(term, field.power(field.order() - i));
      }
      if (sum == 0) wrong[static_cast<std::size_t>(found++)] = bits.size() - 1 - p;
    }
    if (found < errors) return false;
    for (int e = 0; e < errors; ++e) bits[wrong[static_cast<std::size_t>(e)]] ^= 1;
    return true;
  }

  /// The word at alpha ... alpha^2t; whether any is not zero.
  bool find_syndromes(std::span<const std::uint8_t> bits) {
    const Field2m& field = code_->field;
    bool any = false;
    for (std::size_t j = 1; j <= syndrome_.size(); ++j) {
      int& s = syndrome_[j - 1];
      if (j % 2 == 0) {
        s = field.times(syndrome_[j / 2 - 1], syndrome_[j / 2 - 1]);
      } else {
        s = 0;
        const int alpha = field.power(static_cast<int>(j));
        for (const std::uint8_t bit : bits) s = field.times(s, alpha) ^ bit;
      }
      any = any || s != 0;
    }
    return any;
  }

  /// Berlekamp-Massey: the shortest register that makes the syndromes. Its length, the locator's
  /// degree where that many errors happened.
  int find_locator() {
    const Field2m& field = code_->field;
    std::fill(locator_.begin(), locator_.end(), 0);
    std::fill(last_.begin(), last_.end(), 0);
    locator_[0] = last_[0] = 1;
    int length = 0, last_discrepancy = 1;
    std::size_t since = 1;
    for (std::size_t s = 0; s < syndrome_.size(); ++s, ++since) {
      int discrepancy = syndrome_[s];
      for (std::size_t i = 1; i <= static_cast<std::size_t>(length); ++i)
        discrepancy ^= field.times(locator_[i], syndrome_[s - i]);
      if (discrepancy == 0) continue;

      const int factor = field.over(discrepancy, last_discrepancy);
      const bool longer = 2 * length <= static_cast<int>(s);
      if (longer) saved_ = locator_;
      for (std::size_t i = since; i < locator_.size(); ++i)
        locator_[i] ^= field.times(factor, last_[i - since]);
      if (!longer) continue;
      length = static_cast<int>(s) + 1 - length;
      last_.swap(saved_);
      last_discrepancy = discrepancy;
      since = 0;
    }
    return length;
  }

  std::shared_ptr<const Bch> code_;
  CodeBlocks blocks_;
  std::vector<int> syndrome_, locator_, last_, saved_;
  std::array<std::uint8_t, longest> received_{};
};

class BchCoder final : public BlockCoder {
 public:
  BchCoder(std::shared_ptr<const Bch> code, const CodeBlocks& blocks)
      : code_(std::move(code)), blocks_(blocks) {}

  /// The remainder of the message by the generator, in a shift register.
  void encode(int, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    std::copy(message.begin(), message.end(), coded.begin());
    const std::span parity = coded.subspan(message.size());  // highest power first
    std::fill(parity.begin(), parity.end(), 0);
    const std::size_t last = parity.size() - 1;
    for (const std::uint8_t bit : message) {
      const std::uint8_t feedback = bit ^ parity[0];
      for (std::size_t i = 0; i < last; ++i)
        parity[i] = parity[i + 1] ^ (feedback & code_->generator[last - i]);
      parity[last] = feedback & code_->generator[0];
    }
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings&) const override {
    return std::make_unique<BchDecoder>(code_, blocks_);
  }

 private:
  std::shared_ptr<const Bch> code_;
  CodeBlocks blocks_;
};

/// P(X > t), X binomial of n trials: the terms are positive, so that small sums are exact.
double binomial_tail(double n, int t, double p) {
  if (p <= 0) return 0;
  double sum = 0;
  for (int j = t + 1; j <= static_cast<int>(n); ++j)
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(j + 1.0) - std::lgamma(n - j + 1) +
                    j * std::log(p) + (n - j) * std::log1p(-p));
  return std::min(1.0, sum);
}

class BchCode final : public ChannelCode {
 public:
  BchCode(int degree, int corrected) : code_(std::make_shared<const Bch>(degree, corrected)) {}

  std::string kind() const override { return "bch"; }
  std::string name() const override { return fmt::format("({},{}) bch", code_->n, code_->k); }
  std::int64_t largest_message() const override { return code_->k; }
  std::int64_t coded_bits(std::int64_t message) const override {
    return message + code_->n - code_->k;
  }
  std::int64_t full_message() const override { return code_->k; }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    return std::make_unique<BchCoder>(code_, blocks);
  }
  /// Exact where bits err independently, as those of BPSK and QPSK do.
  std::optional<double> block_loss(std::int64_t message, Modulation modulation,
                                   double snr_db) const override {
    return binomial_tail(static_cast<double>(coded_bits(message)), code_->t,
                         bit_error_rate(modulation, std::pow(10.0, snr_db / 10)));
  }
  std::vector<Component> components() const override { return {component_of(part::bch_code)}; }

 private:
  std::shared_ptr<const Bch> code_;
};

}  // namespace

void add_bch_code(ChannelCodeRegistry& codes) {
  codes.add("bch",
            {.summary = "binary, primitive; hard decisions, any t errors of a code block corrected",
             .fields = {{.name = "n",
                         .type = FieldType::integer,
                         .summary = "coded bits of a full code block: 7, 15, 31 ... 1023",
                         .fallback = Json(63),
                         .minimum = (1 << smallest_degree) - 1,
                         .maximum = longest},
                        {.name = "t",
                         .type = FieldType::integer,
                         .summary = "errors that it corrects",
                         .fallback = Json(3),
                         .minimum = 1,
                         .maximum = most_corrected}}},
            [](const Json& from) -> std::shared_ptr<const ChannelCode> {
              const int n = from.at("n"), t = from.at("t");
              if (!std::has_single_bit(static_cast<unsigned>(n) + 1))
                throw PartError("/n",
                                fmt::format("expected one less than a power of two, found {}", n));
              if (t > n / 2)
                throw PartError("/t", fmt::format("no {} of {} bits can be corrected", t, n));
              return std::make_shared<const BchCode>(std::countr_one(static_cast<unsigned>(n)), t);
            });
}

}  // namespace semwave
