// What plans were worth on the validation split: for each bin of believed SNR and each plan its
// mean channel uses, accuracy and PSNR, and the transmitter's operations. `semwave table` makes one
// (experiment/planning/make_plan_table.h); policies choose from it.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/config/json.h"
#include "transmitter/policy/plan.h"

namespace semwave {

struct MeasuredPlan {
  Plan plan;
  double operations = 0;         // of the transmitter, an image
  std::vector<double> uses;      // [bins] channel uses per image, header and pilots included
  std::vector<double> accuracy;  // [bins]
  std::vector<double> psnr_db;   // [bins], empty where no image was rebuilt
};

enum class Worth : std::uint8_t { accuracy, psnr };
enum class BudgetScope : std::uint8_t {
  mean,  // over the links of the table, bins weighted by their shares
  each,  // every image by itself
};

struct PlanTable {
  static constexpr std::size_t largest_file = 64 << 10;  // bytes

  std::string made_by, model_sha256;
  Json network = Json::object();  // gate and positions of the transmitter it was measured with
  std::vector<double>
      edges_db;  // [bins - 1] ascending; the first bin reaches down, the last up without end
  std::vector<double> share;  // [bins] of the validation images, sums to 1
  std::vector<MeasuredPlan> plans;

  int bins() const { return static_cast<int>(share.size()); }
  int bin(double believed_snr_db) const;
  /// Of a plan in a bin.
  double worth(const MeasuredPlan& plan, int bin, Worth metric) const {
    return (metric == Worth::accuracy ? plan.accuracy
                                      : plan.psnr_db)[static_cast<std::size_t>(bin)];
  }
  /// Channel uses of the cheapest plans under `scope`: no smaller budget can be kept.
  double least_uses(BudgetScope scope) const;
  double least_uses() const;  // of any plan in any bin
  double least_operations() const;
  /// The best plan of each bin within the budgets. `each`: the largest worth among those that keep
  /// both; a bin in which none does takes its cheapest. `mean`: the largest  worth - lambda uses -
  /// mu operations  with one lambda and one mu for all bins, the smallest that keep the means
  /// within the budgets, so that resources go where they gain most; then single bins, and pairs,
  /// are lowered or raised until the budgets are kept and used. Where both together cannot be kept,
  /// the nearest that was found.
  std::vector<int> best(Worth metric, double uses,
                        double operations = std::numeric_limits<double>::infinity(),
                        BudgetScope scope = BudgetScope::mean) const;
  /// Worth, uses and operations of such a choice, means over the shares.
  struct Means {
    double worth = 0, uses = 0, operations = 0;
  };
  Means means(const std::vector<int>& choice, Worth metric) const;

  Json to_json() const;
};

/// Throws Error naming file and pointer: too large, not a table, lists of other lengths, numbers
/// out of range.
PlanTable read_plan_table(const std::string& path);
PlanTable parse_plan_table(const Json& value, const std::string& file);

}  // namespace semwave
