#include "node/transmitter/work.h"

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "core/data/picture.h"
#include "experiment/run/evaluate.h"
#include "node/record/watched_name.h"

namespace semwave {

PointWork::PointWork(const Scenario& scenario, std::int64_t first, std::int64_t end)
    : stop_(scenario.stop), first_(first), end_(end), limit_(first), at_(first) {
  if (stop_.max_images > 0)
    end_ = std::min<std::int64_t>(end_, std::max<std::int64_t>(first, stop_.max_images));
  look();
}

void PointWork::look() {
  // Block by block only where an accuracy may end the point.
  while (!finished_ && answered_ == limit_ - first_) {
    if (limit_ == end_ || (answered_ > 0 && sure_enough(stop_, correct_, answered_)))
      finished_ = true;
    else
      limit_ = stop_.accuracy_halfwidth > 0 ? std::min(end_, limit_ + chunk_images) : end_;
  }
}

void PointWork::done(std::uint32_t image, bool correct) {
  if (image < first_ || image >= end_) return;
  ++answered_;
  correct_ += correct;
  if (image >= at_) ahead_.insert(image);
  look();
}

std::vector<std::uint32_t> PointWork::next(std::size_t most) {
  std::vector<std::uint32_t> images;
  for (; at_ < limit_ && images.size() < most; ++at_)
    if (ahead_.erase(static_cast<std::uint32_t>(at_)) == 0)
      images.push_back(static_cast<std::uint32_t>(at_));
  return images;
}

WatchedFolder::WatchedFolder(std::string folder, const Architecture& a)
    : folder_(std::move(folder)) {
  if (!std::filesystem::is_directory(folder_)) throw Error("--watch " + folder_, "is no folder");
  data_ = {.name = "watched", .height = a.height, .width = a.width, .channels = a.channels};
}

void WatchedFolder::numbered(const std::string& name, std::uint32_t image) {
  numbers_[name] = image;
  next_ = std::max(next_, image + 1);
}

void WatchedFolder::done(const std::string& name, std::uint32_t image) {
  known_.insert(name);
  next_ = std::max(next_, image + 1);
}

std::vector<WatchedFolder::Found> WatchedFolder::look(std::vector<std::string>& problems) {
  std::vector<Found> found;
  std::vector<std::filesystem::directory_entry> entries;
  std::error_code gone;
  for (std::filesystem::directory_iterator at(folder_, gone), end; !gone && at != end;
       at.increment(gone))
    entries.push_back(*at);
  std::sort(entries.begin(), entries.end());
  const WantedPicture wanted{
      data_.height, data_.width, data_.channels,
      "the model takes " + size_text(data_.height, data_.width, data_.channels)};
  for (const auto& entry : entries) {
    std::string ending = entry.path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if ((ending != ".png" && ending != ".jpg" && ending != ".jpeg") || !entry.is_regular_file(gone))
      continue;
    const auto bytes = entry.file_size(gone);
    const auto changed = gone ? 0 : entry.last_write_time(gone).time_since_epoch().count();
    if (gone) continue;
    const std::string file = entry.path().filename().string();
    const std::string name =
        journal_name(file) + " " + std::to_string(bytes) + " " + std::to_string(changed);
    if (known_.contains(name)) continue;
    if (std::exchange(seen_[file], name) != name)
      continue;  // just come or still being written: once more around
    known_.insert(name);
    seen_.erase(file);
    try {
      const Picture picture = read_picture(entry.path().string(), wanted);
      std::int32_t index =
          static_cast<std::int32_t>(data_.pixels.size() / static_cast<std::size_t>(data_.values()));
      if (!free_.empty()) {
        index = free_.back();
        free_.pop_back();
        std::copy(picture.pixels.begin(), picture.pixels.end(),
                  data_.pixels.begin() + index * data_.values());
      } else {
        data_.pixels.insert(data_.pixels.end(), picture.pixels.begin(), picture.pixels.end());
        data_.labels.push_back(-1);
      }
      const auto number = numbers_.find(name);
      found.push_back({name, number == numbers_.end() ? next_++ : number->second, index});
    } catch (const Error& problem) {
      problems.push_back(problem.what());
    }
  }
  return found;
}

void WatchedFolder::release(std::int32_t index) {
  free_.push_back(index);
}

}  // namespace semwave
