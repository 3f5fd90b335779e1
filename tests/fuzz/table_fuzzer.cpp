// Any text as a table of plans, of either form: an Error, or a policy whose every choice is one of
// the table's plans, within the bounds of a plan.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "core/base/error.h"
#include "tests/fuzz/require.h"
#include "transmitter/policy/plan_table.h"
#include "transmitter/policy/policy.h"

namespace {

using semwave::BudgetScope;
using semwave::Json;
using semwave::Plan;
using semwave::Worth;

void check(const Plan& plan) {
  require(plan.keep_ratio >= 0 && plan.keep_ratio <= 1, "a share of tokens is a share");
  require(plan.exit_depth >= 0 && plan.symbols_per_token >= 1, "depth and symbols are bounded");
}

void measured(const std::string& text) {
  const semwave::PlanTable table =
      semwave::parse_plan_table(semwave::parse_json(text, "x.json"), "x.json");
  for (const auto& plan : table.plans) check(plan.plan);
  require(semwave::parse_plan_table(table.to_json(), "again").plans.size() == table.plans.size(),
          "what is written is read again");
  if (table.plans.size() * table.share.size() > 64)
    return;  // the search is tested elsewhere; here it only has to stay within the table
  for (const Worth metric : {Worth::accuracy, Worth::psnr}) {
    if (metric == Worth::psnr && table.plans[0].psnr_db.empty()) continue;
    for (const BudgetScope scope : {BudgetScope::mean, BudgetScope::each}) {
      const std::vector<int> best =
          table.best(metric, 1.5 * table.least_uses(scope), 1.5 * table.least_operations(), scope);
      require(best.size() == table.share.size(), "a plan for each bin");
      for (const int plan : best)
        require(plan >= 0 && plan < static_cast<int>(table.plans.size()), "a plan of the table");
    }
  }
  for (const double snr_db : {-300.0, -5.0, 0.0, 7.5, 300.0})
    require(table.bin(snr_db) >= 0 && table.bin(snr_db) < table.bins(), "a bin of the table");
}

void written_by_hand(const std::string& text) {
  // The policy reads a file: one in memory.
  static const int file = memfd_create("table", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(file >= 0 && ftruncate(file, 0) == 0 &&
              pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
          "the file in memory is written");
  const auto policy =
      semwave::policies().make(Json{{"kind", "table"}, {"file", path}}, {"x.json", ""});
  policy->fit(4);
  for (const Plan& plan : policy->plans()) check(plan);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);
  try {
    measured(text);
  } catch (const semwave::Error&) {
  }
  try {
    written_by_hand(text);
  } catch (const semwave::Error&) {
  }
  return 0;
}
