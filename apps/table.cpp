// semwave table: what fixed plans were worth on the validation split, as the table that policies
// choose from.
#include <cmath>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "apps/commands.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "experiment/planning/make_plan_table.h"

namespace semwave {
namespace {

struct Options {
  std::string folder, out;
  int bins = 12;
};

/// What mean budgets of channel uses buy, a line each.
void print_front(const PlanTable& table, Worth metric) {
  const double least = table.least_uses(BudgetScope::mean);
  const double most = std::max(
      least, table.means(table.best(metric, std::numeric_limits<double>::infinity()), metric).uses);
  const bool accuracy = metric == Worth::accuracy;
  fmt::print("# {}\n#   budget      uses    Mflop  {:>9}\n",
             accuracy ? "accuracy within a mean budget of channel uses"
                      : "PSNR within a mean budget of channel uses",
             accuracy ? "accuracy" : "psnr_db");
  for (int step = 0; step <= 8; ++step) {
    const double budget = std::ceil(least + (most - least) * step / 8.0);
    const PlanTable::Means means = table.means(table.best(metric, budget), metric);
    fmt::print("  {:8.0f}  {:8.1f}  {:7.1f}  {:9.{}f}\n", budget, means.uses,
               means.operations / 1e6, means.worth, accuracy ? 4 : 2);
  }
}

int make_table(const Options& options) {
  const MadePlanTable made = make_plan_table(options.folder, options.bins);
  std::string text = made.table.to_json().dump() + "\n";
  if (text.size() > PlanTable::largest_file)
    throw Error(options.out, fmt::format("would take {} bytes, more than the {} of a table: ask "
                                         "for fewer bins or measure fewer plans",
                                         text.size(), PlanTable::largest_file));
  (void)parse_plan_table(parse_json(text, options.out),
                         options.out);  // what is written can be read
  write_file_whole(options.out, text.data(), text.size());
  fmt::print(
      "# {}: {} of {} plans, {} bins of believed SNR from {:.1f} to {:.1f} dB, {} records, {} "
      "bytes\n",
      printable(options.out), made.table.plans.size(), made.plans_measured, made.table.bins(),
      made.from_db, made.to_db, made.records, text.size());
  print_front(made.table, Worth::accuracy);
  if (!made.table.plans.front().psnr_db.empty()) print_front(made.table, Worth::psnr);
  return 0;
}

}  // namespace

Command add_table(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "table",
      "from a sweep of fixed plans on the validation split, the table policies choose from");
  auto options = std::make_shared<Options>();
  command->add_option("folder", options->folder, "result folder of the sweep, with records")
      ->required()
      ->type_name("DIR");
  command->add_option("--out", options->out, "the table, a JSON file below 64 kB")
      ->required()
      ->type_name("FILE");
  command->add_option("--bins", options->bins, "bins of believed SNR, of equally many images")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->footer(
      "Example: semwave run scenarios/tables/fashion_class_awgn_validation.json --out "
      "results/validation\n"
      "         semwave table results/validation --out results/table.json");
  return [options] { return make_table(*options); };
}

}  // namespace semwave
