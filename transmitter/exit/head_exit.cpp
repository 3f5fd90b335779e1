#include "transmitter/exit/head_exit.h"

#include "core/base/error.h"
#include "phy/header/semantic_header.h"

namespace semwave {

HeadExit::HeadExit(const Json& parameters)
    : from_(parameters.at("from")),
      answer_(parameters.at("answer")),
      made_for_(parameters.value("model_sha256", "")),
      threshold_(parameters.value("threshold", 0.5)) {}

bool HeadExit::asks(int depth, const Plan& plan) const {
  return depth >= from_ && (answer_ || depth < plan.exit_depth);
}

bool HeadExit::leaves(int, const Plan&, const HeardHeads& heard) const {
  return !heard.empty() && sure(heard);
}

void HeadExit::check(const Architecture& architecture, const Place& place) const {
  if (!(threshold_ > 0 && threshold_ < 1))
    throw Error((place / "threshold").str(),
                "must be above 0 and below 1, found " + canonical(threshold_));
  if (!architecture.exit_heads)
    throw Error(place.str(),
                "the model has no exit heads, which this exit asks: train it with "
                "\"exit_heads\": true in model.architecture.transmitter and train.losses.exit "
                "above 0 (train.initial may name this model)");
  if (from_ > architecture.transmitter_blocks)
    throw Error((place / "from").str(), std::to_string(from_) + " is beyond the network's " +
                                            std::to_string(architecture.transmitter_blocks) +
                                            " transmitter blocks");
  if (const int bits = semantic_answer_bits(agreed_grid(architecture));
      answer_ && architecture.classes > (1 << bits))
    throw Error((place / "answer").str(),
                "the header of a grid of " + std::to_string(architecture.grid()) +
                    " tokens has room for " + std::to_string(1 << bits) +
                    " classes, the model tells " + std::to_string(architecture.classes) + " apart");
}

Fields head_fields(const std::string& summary) {
  Fields fields{.summary = summary};
  fields.fields = {
      {.name = "from",
       .type = FieldType::integer,
       .summary = "blocks before the first head that is asked",
       .fallback = 1,
       .minimum = 1,
       .maximum = 15},
      {.name = "answer",
       .type = FieldType::boolean,
       .summary = "an image that is sure sends the head's class in its header and no token",
       .fallback = false}};
  return fields;
}

Fields with_threshold(Fields fields, const std::string& summary, double fallback) {
  fields.fields.insert(fields.fields.begin(), {.name = "threshold",
                                               .type = FieldType::number,
                                               .summary = summary + "; above 0 and below 1",
                                               .fallback = fallback,
                                               .minimum = 0,
                                               .maximum = 1});
  return fields;
}

Field fitted_to_field() {
  return {.name = "model_sha256",
          .type = FieldType::string,
          .summary =
              "the checkpoint these numbers were fitted to (semwave calibrate writes it); "
              "empty: they were set by hand, for any",
          .fallback = ""};
}

Field numbers_of_heads(const std::string& name, const std::string& summary, double minimum,
                       double maximum) {
  return {.name = name,
          .type = FieldType::list,
          .summary = summary,
          .fallback = Json::array(),
          .element = std::make_shared<const Field>(Field{.name = "number",
                                                         .type = FieldType::number,
                                                         .summary = "of one head",
                                                         .minimum = minimum,
                                                         .maximum = maximum})};
}

}  // namespace semwave
