#include "experiment/results/text_table.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "core/base/text.h"

namespace semwave {
namespace {

constexpr const char* uses_group = "channel uses per image";

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// "/channel/snr_db" -> "snr_db", or "channel.snr_db" with two parts.
std::string last_parts(const std::string& pointer, int parts) {
  std::size_t begin = pointer.size();
  for (; parts > 0 && begin > 0; --parts) begin = pointer.rfind('/', begin - 1);
  std::string name = pointer.substr(std::min(begin + 1, pointer.size()));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

/// A row that is there already may have been written by anybody: what it lacks, its line lacks.
std::string cell_of(const std::function<std::string(const OrderedJson&)>& cell,
                    const OrderedJson& row) {
  try {
    return cell(row);
  } catch (const OrderedJson::exception&) {
    return "-";
  }
}

/// What a narrow table leaves out, the least important first; columns without a place here stay.
/// In between go the columns of metrics that are not essential.
constexpr std::pair<std::string_view, std::string_view> dispensable_first[] = {
    {"", "images/s"},
    {"slots waited", "p95"},
    {"slots waited", "mean"},
    {"MFLOP per image", "receiver"},
    {"MFLOP per image", "sender"},
    {uses_group, "prefix"},
    {uses_group, "parity"},
    {uses_group, "pilots"},
    {"kept", "depth"},
    {"kept", "tokens"},
    {uses_group, "header"},
    {uses_group, "payload"},
};
constexpr std::pair<std::string_view, std::string_view> dispensable_last[] = {
    {"", "images"},
    {"kept", "lost"},
    {"of all that came", "images"},
    {"of all that came", "uses"},
};
constexpr std::size_t least_swept = 8;  // columns of a swept value that was cut

/// Cut to `width`, between two characters.
std::string cut(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text;
  std::size_t end = width - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return text.substr(0, end) + "~";
}

std::string pad_left(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

}  // namespace

std::vector<std::string> short_names(const std::vector<std::string>& pointers) {
  std::vector<std::string> names;
  for (const std::string& pointer : pointers) {
    std::string name;
    for (int parts = 1; parts <= 8; ++parts) {
      name = last_parts(pointer, parts);
      const auto same =
          std::count_if(pointers.begin(), pointers.end(),
                        [&](const std::string& other) { return last_parts(other, parts) == name; });
      if (same == 1) break;
    }
    names.push_back(printable(name));
  }
  return names;
}

std::string one_word(const Json& value) {
  std::string text;
  if (value.is_object()) {
    if (value.contains("kind") && value["kind"].is_string()) text = value["kind"];
    std::string inner;
    for (const auto& [key, element] : value.items()) {
      if (key == "kind") continue;
      const bool file = key == "file" && element.is_string();
      inner.append(inner.empty() ? "" : ",")
          .append(key == "symbols_per_token" ? "S" : key)
          .append("=");
      inner.append(file ? std::filesystem::path(element.get<std::string>()).stem().string()
                        : one_word(element));
    }
    if (!inner.empty() || text.empty()) text += "(" + inner + ")";
  } else if (value.is_array()) {
    for (const Json& element : value) text += (text.empty() ? "" : ",") + one_word(element);
    text = "[" + text + "]";
  } else {
    text = value.is_string() ? value.get<std::string>() : canonical(value);
  }
  for (char& c : text)
    if (c == ' ' || c == '\t' || c == '\n' || c == '#') c = '_';
  return text.empty() ? "''" : printable(text);
}

std::vector<std::string> parts_of_uses(const std::vector<Point>& points) {
  const auto any = [&](const auto& may) {
    return std::any_of(points.begin(), points.end(),
                       [&](const Point& point) { return may(point.scenario); });
  };
  std::vector<std::string> parts{"payload", "header"};
  const bool pilots = any([](const Scenario& scenario) {
    const ChannelSettings& channel = scenario.channel;
    return channel.transmitter.kind == CsiKind::estimated ||
           channel.receiver.kind == CsiKind::estimated;
  });
  const bool coded = any([](const Scenario& scenario) { return scenario.pair->sends_parity(); });
  if (pilots) parts.push_back("pilots");
  if (coded) parts.push_back("parity");
  if (any([](const Scenario& scenario) { return scenario.channel.frame_uses() > 1; }))
    parts.push_back("prefix");
  return parts;
}

Table::Table(const Scenario& scenario, const std::vector<Point>& points) : name_(scenario.name) {
  std::vector<std::string> pointers;
  for (const auto& [pointer, values] : scenario.sweep) pointers.push_back(pointer);
  std::vector<Json> values;
  values.reserve(points.size());
  for (const Point& point : points) values.push_back(point.swept);
  add_swept(pointers, values);
  add_number("", "images", 6, "/images", 0);
  add_number(uses_group, "total", 7, "/channel_uses/total", 1);
  for (const std::string& part : parts_of_uses(points))
    add_number(uses_group, part, part == "payload" ? 7 : 6, "/channel_uses/" + part, 1);
  for (const auto& metric : scenario.metrics)
    for (const ScoreColumn& column : metric->columns()) add_column(column);
  add_number("kept", "tokens", 6, "/tokens_kept", 1);
  add_number("kept", "depth", 5, "/exit_depth", 2);
  add_number("kept", "lost", 5, "/header_losses", 0);
  // Columns of every pair that takes part, each once.
  std::vector<std::string> shown;
  for (const Point& point : points)
    for (const ScoreColumn& column : point.scenario.pair->columns()) {
      if (std::find(shown.begin(), shown.end(), column.pointer) != shown.end()) continue;
      shown.push_back(column.pointer);
      add_column(column);
    }
  if (std::any_of(points.begin(), points.end(),
                  [](const Point& point) { return point.scenario.timeline.has_value(); })) {
    // Over all images that came: what was not sent is wrong and took no uses.
    add_number("of all that came", "images", 6, "/timeline/arrived", 0);
    for (const auto& metric : scenario.metrics) {
      const ScoreColumn mean = metric->columns().front();
      add_number("of all that came", mean.name, mean.width, "/timeline/of_arrived/" + metric->key(),
                 mean.digits);
    }
    add_number("of all that came", "uses", 6, "/timeline/of_arrived/channel_uses", 1);
    add_number("slots waited", "mean", 5, "/timeline/wait_slots/mean", 2);
    add_number("slots waited", "p95", 4, "/timeline/wait_slots/p95", 0);
  }
  add_number("MFLOP per image", "sender", 7, "/flops/transmitter", 3, 1e-6);
  add_number("MFLOP per image", "receiver", 8, "/flops/receiver", 3, 1e-6);
  add_number("", "images/s", 8, "/images_per_second", 0);
}

void Table::add_column(const ScoreColumn& column) {
  add_number(column.group, column.name, column.width, column.pointer, column.digits);
  if (!column.essential) dispensable_scores_.emplace_back(column.group, column.name);
}

void Table::add_swept(const std::vector<std::string>& pointers, const std::vector<Json>& points) {
  const std::vector<std::string> names = short_names(pointers);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& key = pointers[i];
    swept_.emplace_back(key, names[i]);
    std::size_t width = std::max(
        names[i].size(),
        std::string_view("point").size());  // the group's title stands whole over one narrow column
    for (const Json& point : points) width = std::max(width, one_word(point.at(key)).size());
    add("point", names[i], width,
        [key](const OrderedJson& row) { return one_word(Json(row.at("point").at(key))); });
  }
}

void Table::add(std::string group, std::string name, std::size_t width,
                std::function<std::string(const OrderedJson&)> cell) {
  columns_.push_back({std::move(group), std::move(name), width, std::move(cell)});
  columns_.back().width = std::max(width, columns_.back().name.size());
}

void Table::add_number(std::string group, std::string name, std::size_t width,
                       const std::string& pointer, int digits, double scale) {
  const OrderedJson::json_pointer at(pointer);
  add(std::move(group), std::move(name), width, [at, digits, scale](const OrderedJson& row) {
    return row.contains(at) && row.at(at).is_number()
               ? fixed(row.at(at).get<double>() * scale, digits)
               : std::string("-");
  });
}

std::size_t Table::width() const {
  std::size_t sum = 1;  // '#'
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const bool begins = i > 0 && columns_[i].group != columns_[i - 1].group;
    sum += columns_[i].width + (begins ? 3 : 1);
  }
  return sum;
}

void Table::fit(std::size_t width) {
  if (width == 0) return;
  const auto leave_out = [&](const auto& columns) {
    for (const auto& [group, name] : columns) {
      if (this->width() <= width) return;
      left_out_ += std::erase_if(columns_, [&, group = group, name = name](const Column& column) {
        return column.group == group && column.name == name;
      });
    }
  };
  leave_out(dispensable_first);
  leave_out(dispensable_scores_);
  leave_out(dispensable_last);
  if (this->width() <= width) return;
  for (std::size_t i = 0; i < swept_.size() && this->width() > width; ++i) {
    Column& column = columns_[i];  // swept ones come first
    const std::size_t over = this->width() - width;
    const std::size_t room = column.width > over ? column.width - over : 0;
    if (column.width <= least_swept) continue;
    column.width = std::max(room, least_swept);
    column.name = cut(column.name, column.width);
    column.cell = [whole = std::move(column.cell), most = column.width](const OrderedJson& row) {
      return cut(whole(row), most);
    };
  }
}

std::string Table::header() const {
  const std::string note =
      left_out_ == 0 ? ""
                     : "# " + std::to_string(left_out_) +
                           " columns do not fit the terminal (--json, or a file, has all)\n";
  std::string groups = "#", names = "#";
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const bool begins = i == 0 || column.group != columns_[i - 1].group;
    names += (begins && i > 0 ? "   " : " ") + pad_left(column.name, column.width);
    if (!begins || column.group.empty()) continue;
    // A group's title stands over its first column; one that is longer than its columns is cut.
    std::size_t room = 0, start = names.size() - column.width;
    for (std::size_t j = i; j < columns_.size() && columns_[j].group == column.group; ++j)
      room += columns_[j].width + 1;
    groups += std::string(start - groups.size(), ' ') + column.group.substr(0, room - 1);
  }
  return note + groups + "\n" + names + "\n";
}

std::string Table::line(const OrderedJson& row) const {
  std::string text = " ";
  for (std::size_t i = 0; i < columns_.size(); ++i)
    text += (i > 0 && columns_[i].group != columns_[i - 1].group ? "   " : " ") +
            pad_left(cell_of(columns_[i].cell, row), columns_[i].width);
  return text + "\n";
}

std::string Table::label(const Point& point) const {
  std::string text;
  for (const auto& [pointer, name] : swept_)
    text += (text.empty() ? "" : " ") + name + "=" + one_word(point.swept.at(pointer));
  return text.empty() ? printable(name_) : text;
}

}  // namespace semwave
