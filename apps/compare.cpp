// semwave compare: two result folders, or two points of one, image by image.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/run_options.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "experiment/results/compare_folders.h"
#include "experiment/results/curves.h"
#include "experiment/results/text_table.h"

namespace semwave {
namespace {

struct Options {
  std::string a, b;
  std::optional<std::size_t> index_a, index_b;
  std::vector<std::string> points;  // /KEY=VALUE that a point must have
  std::string curve;                // key of the quality; empty: image by image
  bool json = false;
};

/// Of --point.
WantedValues wanted_values(const std::vector<std::string>& asked) {
  WantedValues made;
  for (const auto& [pointer, value] : pointer_values("--point", asked))
    made.emplace_back(pointer, wanted_value(pointer, value));
  return made;
}

void add_paired(Table& table, const std::string& group, const std::string& key, int digits,
                double scale = 1) {
  table.add_number(group, "A", 7, key + "/a", digits);
  table.add_number(group, "B", 7, key + "/b", digits);
  const int finer = scale == 1 ? digits : digits - 2;
  table.add_number(group, "B-A", 7, key + "/difference", finer, scale);
  table.add_number(group, "low", 7, key + "/ci95/0", finer, scale);
  table.add_number(group, "high", 7, key + "/ci95/1", finer, scale);
}

/// Keys with one value in both are columns of their own; one on which A and B differ has a column
/// for each.
Table make_table(const std::vector<OrderedJson>& rows, const std::vector<std::string>& pointers) {
  Table table;
  table.add_number("row", "a", 1, "/a/row", 0);
  table.add_number("row", "b", 1, "/b/row", 0);
  const std::vector<std::string> names = short_names(pointers);
  for (std::size_t i = 0; i < pointers.size(); ++i) {
    const auto column = [&](const char* side, const std::string& name) {
      const auto cell = [side, key = pointers[i]](const OrderedJson& row) {
        return row.contains(side) ? one_word(Json(row[side]["point"][key])) : std::string("all");
      };
      std::size_t width = name.size();
      for (const OrderedJson& row : rows) width = std::max(width, cell(row).size());
      table.add("point", name, width, cell);
    };
    const bool same = std::all_of(rows.begin(), rows.end(), [&](const OrderedJson& row) {
      return row["a"]["point"][pointers[i]] == row["b"]["point"][pointers[i]];
    });
    column("a", same ? names[i] : "A:" + names[i]);
    if (!same) column("b", "B:" + names[i]);
  }
  table.add_number("", "pairs", 6, "/pairs", 0);
  const auto any = [&](const char* key) {
    return std::any_of(rows.begin(), rows.end(),
                       [key](const OrderedJson& row) { return row.contains(key); });
  };
  if (any("accuracy")) {
    add_paired(table, "accuracy, B-A in points with 95 % CI", "/accuracy", 4, 100);
    table.add_number("McNemar", "A_only", 6, "/mcnemar/a_only", 0);
    table.add_number("McNemar", "B_only", 6, "/mcnemar/b_only", 0);
    table.add("McNemar", "p", 8, [](const OrderedJson& row) {
      return row.contains("mcnemar") ? fmt::format("{:.2g}", row["mcnemar"]["p"].get<double>())
                                     : "-";
    });
  }
  add_paired(table, "channel uses per image", "/channel_uses", 2);
  for (const auto& [name, summary] : metrics().list()) {
    const auto metric = metrics().make({{"kind", name}}, {});
    if (metric->needs() == Metric::Needs::image && any(metric->key().c_str()))
      add_paired(table, metric->heading(), "/" + metric->key(), std::max(3, metric->digits()));
  }
  table.add_number("lost", "A", 5, "/header_losses/a", 0);
  table.add_number("lost", "B", 5, "/header_losses/b", 0);
  return table;
}

/// Which folders are compared, and the head of the table.
void print_head(const RecordedFolder& a, const RecordedFolder& b, const Table& table) {
  fmt::print("# A: {} ({})\n# B: {} ({})\n{}", printable(a.path()), printable(a.name()),
             printable(b.path()), printable(b.name()), table.header());
}

/// Each folder's points as a curve over their channel uses.
int compare_as_curves(const Options& options, const RecordedFolder& a, const RecordedFolder& b) {
  const WantedValues asked = wanted_values(options.points);
  const auto wanted = [&](const RecordedFolder& folder, std::size_t row) {
    return has_values(folder, row, asked);
  };
  std::vector<OrderedJson> rows;
  std::vector<Json> conditions;
  for (const CurveComparison& one : compare_curves(a, b, options.curve, wanted)) {
    conditions.push_back(one.at);
    rows.push_back(curves_json(one, options.curve));
    rows.back()["point"] = rows.back()["at"];
  }
  if (options.json) {
    for (OrderedJson& row : rows) {
      row.erase("point");
      fmt::print("{}\n", printable_json(row.dump()));
    }
    return 0;
  }
  Table table;
  std::vector<std::string> pointers;
  for (const auto& [pointer, value] : conditions.front().items()) pointers.push_back(pointer);
  table.add_swept(pointers, conditions);
  table.add_number("", "images", 6, "/images", 0);
  const auto add = [&](const std::string& group, const std::string& key, int digits) {
    table.add_number(group, "B-A", 8, key + "/value", digits);
    table.add_number(group, "low", 8, key + "/ci95/0", digits);
    table.add_number(group, "high", 8, key + "/ci95/1", digits);
  };
  add("BD-rate: uses at equal " + options.curve + ", % with 95 % CI", "/bd_rate_percent", 1);
  add("at equal uses: " + options.curve, "/bd_" + options.curve, 3);
  const auto add_range = [&](const std::string& name, const std::string& key, int digits) {
    table.add_number("common " + name, "from", 7, "/range/" + key + "/0", digits);
    table.add_number("common " + name, "to", 7, "/range/" + key + "/1", digits);
  };
  add_range("uses", "channel_uses", 1);
  add_range(options.curve, options.curve, 3);
  print_head(a, b, table);
  for (const OrderedJson& row : rows) fmt::print("{}", table.line(row));
  return 0;
}

int compare(const Options& options) {
  const RecordedFolder a(options.a), b(options.b);
  if (!options.curve.empty()) return compare_as_curves(options, a, b);
  const FolderComparison made =
      compare_folders(a, b, options.index_a, options.index_b, wanted_values(options.points));
  const std::vector<OrderedJson>& rows = made.rows;
  if (options.json) {
    for (const OrderedJson& row : rows) fmt::print("{}\n", printable_json(row.dump()));
    if (rows.size() > 1) fmt::print("{}\n", printable_json(made.together.dump()));
    return 0;
  }
  const Table table = make_table(rows, made.swept);
  print_head(a, b, table);
  for (const OrderedJson& row : rows) fmt::print("{}", table.line(row));
  if (rows.size() > 1)
    fmt::print("#{}# the line above: all {} points together, intervals and p over {}\n",
               table.line(made.together).substr(1), rows.size(),
               made.over_links ? "links" : "images");
  if (made.only_a + made.only_b > 0)
    fmt::print("# images in one folder only, left out: {} of A, {} of B\n", made.only_a,
               made.only_b);
  const auto unmatched = [&](const RecordedFolder& folder, auto side) {
    std::size_t left = folder.grid();
    for (std::size_t row = 0; row < folder.grid(); ++row)
      left -= std::any_of(made.matches.begin(), made.matches.end(),
                          [&](const MatchedPoint& match) { return match.*side == row; });
    return left;
  };
  if (!options.index_a && !options.index_b) {
    const std::size_t left_a = unmatched(a, &MatchedPoint::a),
                      left_b = unmatched(b, &MatchedPoint::b);
    if (left_a + left_b > 0)
      fmt::print("# points not compared: {} of A, {} of B\n", left_a, left_b);
  }
  return 0;
}

}  // namespace

Command add_compare(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "compare", "two result folders image by image: paired differences, intervals, McNemar");
  auto options = std::make_shared<Options>();
  command->add_option("A", options->a, "result folder, run with /output/records=true")
      ->required()
      ->type_name("DIR");
  command->add_option("B", options->b, "another one, or the same with --a and --b")
      ->required()
      ->type_name("DIR");
  command
      ->add_option(
          "--a", options->index_a,
          "point of A by its row in results.jsonl, from 0 (default: points of equal swept values)")
      ->type_name("ROW");
  command->add_option("--b", options->index_b, "point of B")->type_name("ROW");
  command
      ->add_option("--point", options->points,
                   "only points that have this value, such as /channel/snr_db=5; may be repeated")
      ->type_name("/KEY=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--curve", options->curve,
          "each folder's points as one curve of this score over channel uses: BD-rate, and "
          "the difference at equal uses")
      ->type_name("psnr_db|ssim|ms_ssim|accuracy")
      ->excludes("--a")
      ->excludes("--b");
  command->add_flag("--json", options->json, "one JSON object a matched point, or a curve");
  command->footer(
      "Example: semwave compare results/learned results/random\n         semwave compare "
      "results/awgn results/awgn --a 0 --b 3\n         semwave compare results/jpeg "
      "results/semantic --curve psnr_db");
  return [options] { return compare(*options); };
}

}  // namespace semwave
