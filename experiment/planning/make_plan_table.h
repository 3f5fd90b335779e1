// From a sweep of fixed plans on the validation split to the table that policies choose from
// (transmitter/policy/plan_table.h).
#pragma once

#include <cstdint>
#include <string>

#include "transmitter/policy/plan_table.h"

namespace semwave {

struct MadePlanTable {
  PlanTable table;
  std::size_t plans_measured = 0;  // before those were dropped that another one beats in every bin
  std::int64_t records = 0;
  double from_db = 0, to_db = 0;  // lowest and highest believed SNR
};

/// Reads the result folder `folder` of a run with records: fixed plans over links of drawn or swept
/// SNR. Believed SNRs fall into `bins` bins of equally many images (fewer where fewer SNRs were
/// met). Accuracy and PSNR of a plan are made to rise with the SNR by isotonic regression (pool
/// adjacent violators), which takes most of the noise out of the choice between plans. Throws Error
/// where the run was not on the validation split, has no records, other exits than `fixed`, or
/// several models.
MadePlanTable make_plan_table(const std::string& folder, int bins);

/// Nearest non-decreasing sequence in weighted least squares.
std::vector<double> isotonic(const std::vector<double>& values, const std::vector<double>& weights);

}  // namespace semwave
