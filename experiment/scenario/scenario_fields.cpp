// Every key of a scenario, once: checking, defaults, the schema and the documentation are made from
// this description.
#include "channel/registry.h"
#include "core/config/field_builders.h"
#include "core/data/codec/image_codec.h"
#include "core/data/dataset_kinds.h"
#include "experiment/scenario/scenario.h"
#include "phy/digital/link_fields.h"
#include "phy/signal/equaliser_registry.h"
#include "receiver/router/router.h"

namespace semwave {
namespace {

std::vector<std::string> names(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::vector<std::string> made;
  made.reserve(entries.size());
  for (const auto& [name, summary] : entries) made.push_back(name);
  return made;
}

using fields::boolean, fields::choice, fields::integer, fields::number, fields::object;

Field text(std::string name, std::string fallback, std::string summary) {
  return {.name = std::move(name),
          .type = FieldType::string,
          .summary = std::move(summary),
          .fallback = std::move(fallback)};
}

Field with_default(Field field, Json fallback, std::string summary) {
  field.fallback = std::move(fallback);
  field.summary = std::move(summary);
  return field;
}

/// A number, {"uniform": [a, b]} or {"choice": [...]}: what a training step draws for each image.
Field law(std::string name, std::optional<Json> fallback, double minimum, double maximum,
          std::string summary) {
  const Field one{
      .type = FieldType::number, .summary = "a value", .minimum = minimum, .maximum = maximum};
  const auto list_of = [&](std::string key, const std::string& what) {
    Field list{.name = std::move(key),
               .type = FieldType::list,
               .summary = what,
               .element = std::make_shared<const Field>(one)};
    Field field{
        .type = FieldType::object,
        .summary = what,
        .object = std::make_shared<const Fields>(Fields{.summary = what, .fields = {list}})};
    return field;
  };
  const bool missing = !fallback.has_value();
  return {.name = std::move(name),
          .type = FieldType::number,
          .summary = std::move(summary),
          .fallback = std::move(fallback),
          .optional = missing,
          .minimum = minimum,
          .maximum = maximum,
          .alternatives = {list_of("uniform", "drawn uniformly between two ends"),
                           list_of("choice", "one of a list, each as likely")}};
}

/// A number, or one for each depth.
Field exit_weights() {
  Field weights = number("exit", 0, 0, 1e6,
                         "cross entropy of each exit head, or a list: one weight for each depth "
                         "from 1; needs model.architecture.transmitter.exit_heads");
  weights.alternatives = {
      {.type = FieldType::list,
       .summary = "by depth, from 1",
       .element = std::make_shared<const Field>(number("weight", 0, 0, 1e6, "of one depth"))}};
  return weights;
}

Field source_field() {
  return object(
      "source",
      {choice("dataset", "fashion-mnist", datasets().names(), "which images"),
       choice("split", "test", {"train", "validation", "test", "all_train"},
              "validation is split off train; all_train is both"),
       integer("count", 0, 0, 1e9, "first images of the split; 0: all"),
       text("path", "",
            "where the data lies; empty: $SEMWAVE_DATA, then the system's datasets folder"),
       {.name = "validation",
        .type = FieldType::string,
        .summary = "images that a training is watched by: a split of the same data, or a folder; "
                   "default: the split validation",
        .optional = true},
       integer("repeat", 0, 0, 4294967295.0,
               "another repeat of the same images meets other fading and noise")},
      "images and labels");
}

Field transmitter_field() {
  Field field = pairs().field("transmitter");
  field.fallback = Json::object();
  field.usual_kind = "semantic";
  return field;
}

Field receiver_field() {
  return object("receiver",
                {{.name = "kind",
                  .type = FieldType::choice,
                  .summary = "that of the transmitter, which is taken where this is left out",
                  .optional = true,
                  .choices = names(pairs().list())},
                 with_default(equalisers().field("equaliser"), {{"kind", "mmse"}},
                              "how the channel is undone"),
                 with_default(routers().field("router"), {{"kind", "top_k"}},
                              "which experts a token goes to")},
                "the hearing end");
}

Field device_model_field() {
  const auto end = [](std::string name, double operations_per_second, double joule_per_operation,
                      const std::string& who) {
    return object(
        std::move(name),
        {number("operations_per_second", operations_per_second, 1, 1e30, "executed by the " + who),
         number("joule_per_operation", joule_per_operation, 0, 1e3, "of the " + who)},
        "the " + who + "'s processor");
  };
  return object("device_model",
                {end("transmitter", 1e9, 1e-11, "sensor"), end("receiver", 1e11, 1e-11, "server"),
                 number("symbol_seconds", 1e-6, 0, 1e6, "time of one channel use"),
                 number("transmit_watt", 0.1, 0, 1e6, "power radiated and lost while sending")},
                "what latency_ms and energy_mj of a row are made of");
}

Field link_field() {
  std::vector<Field> fields = coding_fields();
  fields.push_back(integer("block_bits", 0, 0, 1 << 20,
                           "information bits of a frame; 0: one full code block of a code that has "
                           "a length, else 1000"));
  fields.push_back(
      {.name = "eb_n0_db",
       .type = FieldType::number,
       .summary = "energy of an information bit over N0, dB; stands in place of channel.snr_db",
       .optional = true,
       .minimum = -100,
       .maximum = 200});
  fields.push_back(boolean(
      "crc", false, "a CRC for each code block, as images have it; polar codes have one always"));
  for (Field& field : decoding_fields()) fields.push_back(std::move(field));
  Field field =
      object("link", std::move(fields), "semwave link: bits instead of images through the channel");
  field.fallback.reset();
  field.optional = true;
  return field;
}

Field timeline_field() {
  const auto entry = [](std::string name, std::string summary, std::vector<Field> fields) {
    return std::pair{std::move(name),
                     std::make_shared<const Fields>(
                         Fields{.summary = std::move(summary), .fields = std::move(fields)})};
  };
  const Field arrivals{.name = "arrivals",
                       .type = FieldType::variant,
                       .summary = "of images at each link",
                       .fallback = Json("periodic"),
                       .kinds = {entry("periodic", "one image every so many slots",
                                       {integer("every", 1, 1, 1e9, "slots")}),
                                 entry("poisson", "any number a slot, independent of the past",
                                       {number("mean", 1, 0, 100, "images a slot")})}};
  Field field = object(
      "timeline",
      {integer("links", 16, 1, 1e5, "transmitters, each with its own fading, queue and feedback"),
       integer("slots", 1000, 1, 1e6, "how long; a link sends at most one burst a slot"), arrivals,
       integer("queue", 16, 1, 1e6, "images that may wait at a link; more are dropped"),
       integer("deadline", 0, 0, 1e9,
               "slots from arrival to the end of the burst; later answers count as wrong, what "
               "cannot be in time is not sent; 0: none"),
       integer("slot_uses", 0, 0, 1e9,
               "channel uses a slot holds: a longer burst takes several; 0: any burst fits"),
       object("feedback",
              {integer("delay", 1, 0, 1e9, "slots until the receiver's report of a slot is known"),
               number("loss", 0, 0, 1, "share of reports that are lost")},
              "what the transmitter learns of the link; a report holds what csi.transmitter says")},
      "links over time: images arrive, wait, and are planned for with what feedback has told");
  field.fallback.reset();
  field.optional = true;
  return field;
}

Field decoded_field() {
  const Field codec{.type = FieldType::choice,
                    .summary = "an image codec",
                    .choices = names(image_codecs().list())};
  const Field codecs{.name = "codecs",
                     .type = FieldType::list,
                     .summary = "each as likely; one that is named twice is drawn twice as often",
                     .fallback = Json::array({"jpeg", "webp", "heic"}),
                     .minimum = 1,
                     .maximum = 100,
                     .element = std::make_shared<const Field>(codec)};
  Field field = object(
      "decoded",
      {number("share", 0.5, 0, 1, "of the images of a step; the others stay as they are stored"),
       codecs,
       law("quality", Json{{"uniform", {0, 80}}}, 0, ImageCodec::best_quality,
           "of the codec, in whole numbers from 0, the worst")},
      "for the label pair: images become what a codec makes of them, before flip and shift");
  field.fallback.reset();
  field.optional = true;
  return field;
}

Field losses_field() {
  std::vector<Field> weights{
      number("class", 1, 0, 1e6, "cross entropy of the receiver's class"),
      number("image", 0, 0, 1e6,
             "mean over images of ln(MSE) of the rebuilt image, which is PSNR up to a factor"),
      number("balance", 0.01, 0, 1e6, "Switch balance loss of the experts"),
      number("z", 1e-3, 0, 1e6, "router z-loss"),
      exit_weights(),
      number("gate", 0, 0, 1e6,
             "draws the score of each dropped token to the ln(MSE) of its rebuilt patch; for "
             "a learned gate at 0"),
      number("budget", 1, 0, 1e6,
             "what a gate adds that does not take exactly k: its share of tokens against the one "
             "asked for (gumbel, threshold)"),
      number("label_smoothing", 0.1, 0, 1, "share spread over all classes")};
  for (const auto& [name, summary] : objective_terms().list())
    weights.push_back(number(name, 0, 0, 1e6, summary));
  return object("losses", std::move(weights), "weight of each loss");
}

Field train_field() {
  Field freeze{.name = "freeze",
               .type = FieldType::list,
               .summary = "parameters whose names begin so stay as they are",
               .fallback = Json::array(),
               .element = std::make_shared<const Field>(
                   Field{.type = FieldType::string, .summary = "a prefix, such as transmitter."})};
  Field field = object(
      "train",
      {integer("epochs", 10, 1, 1e6, "passes over the training images"),
       integer("batch", 128, 1, 65536, "images a step"),
       object("optimiser",
              {choice("kind", "adamw", {"adamw"}, "AdamW, decoupled weight decay"),
               number("learning_rate", 1.2e-3, 0, 10, "peak of the schedule"),
               number("weight_decay", 0.05, 0, 10, "of matrices only"),
               number("beta1", 0.9, 0, 0.999999, "decay of the mean"),
               number("beta2", 0.99, 0, 0.999999, "decay of the square"),
               number("clip", 1.0, 0, 1e9, "largest gradient norm; 0: no limit")},
              "how steps are made"),
       object("schedule",
              {choice("kind", "cosine", {"cosine"}, "linear warm-up, then cosine"),
               number("warmup_epochs", 1, 0, 1e6, "length of the warm-up"),
               number("floor", 0.01, 0, 1, "last rate as a share of the peak")},
              "learning rate over time"),
       object(
           "augmentation",
           {{.name = "crop",
             .type = FieldType::list,
             .summary = "height, width of a random patch that is taken of each image, for pairs "
                        "that take images of any size; default: the whole image",
             .optional = true,
             .minimum = 2,
             .maximum = 2,
             .element = std::make_shared<const Field>(Field{
                 .type = FieldType::integer, .summary = "pixels", .minimum = 1, .maximum = 4096})},
            {.name = "crops",
             .type = FieldType::integer,
             .summary = "patches of each image an epoch; default: 1",
             .optional = true,
             .minimum = 1,
             .maximum = 1e4},
            boolean("flip", false, "left-right, half of the images"),
            integer("shift", 0, 0, 64, "up to so many pixels each way")},
           "changes to training images"),
       decoded_field(),
       losses_field(),
       law("snr_db", Json{{"uniform", {-5, 20}}}, -200, 200,
           "mean SNR of the link of each image, dB"),
       law("keep", Json{{"choice", {1, 0.5, 0.25, 0.125}}}, 0, 1, "share of tokens sent"),
       law("depth", std::nullopt, 0, 15, "transmitter blocks computed; default: any from 1 to all"),
       law("symbols_per_token", 8, 1, 64, "complex symbols a token"),
       object("hardness",
              {number("from", 2, 1e-3, 1e6, "in the first epoch"),
               number("to", 40, 1e-3, 1e6, "in the last")},
              "of the soft assignment to levels that the gradient of a digital link sees, "
              "exp(-hardness (distance / step)^2); linear over the epochs"),
       law("pilots", 0, 0, 1e6,
           "pilots the receiver estimates each image's gain from; 0: it knows what channel.csi "
           "says"),
       law("belief_error_db", 0, 0, 100,
           "deviation of the normal error, in dB, of the SNR the transmitter believes in"),
       number("deepest_share", 0.5, 0, 1,
              "share of images that take every block whatever depth says"),
       number("unannounced_share", 0, 0, 1,
              "share of the images leaving early whose plan says the deepest exit, as it does "
              "where an exit head decides: the network then does not know beforehand"),
       freeze,
       text("initial", "", "checkpoint to start from; empty: fresh"),
       integer("validate_images", 1000, 0, 1e9, "validation images looked at after each epoch"),
       choice("weights", "float32", {"float32", "float16"},
              "numbers of model.safetensors; training goes on in float32")},
      "how the model is trained; each law is drawn for each image of a step");
  field.fallback.reset();
  field.optional = true;
  return field;
}

Field sweep_field() {
  Field range{
      .type = FieldType::object,
      .summary = "evenly spaced numbers, both ends included",
      .object = std::make_shared<const Fields>(Fields{
          .summary = "evenly spaced numbers, both ends included",
          .fields = {
              {.name = "from", .type = FieldType::number, .summary = "first"},
              {.name = "to", .type = FieldType::number, .summary = "last"},
              {.name = "step", .type = FieldType::number, .summary = "between neighbours"}}})};
  const Field any{.type = FieldType::any, .summary = "what the key may hold, a whole object too"};
  Field values{.type = FieldType::list,
               .summary = "the values of one key, by its JSON pointer",
               .element = std::make_shared<const Field>(any),
               .alternatives = {range}};
  return {.name = "sweep",
          .type = FieldType::map,
          .summary = "JSON pointer -> values; the grid is their product, in the order written",
          .fallback = Json::object(),
          .element = std::make_shared<const Field>(values)};
}

Field model_field() {
  Field architecture{.name = "architecture",
                     .type = FieldType::object,
                     .summary = "shape of a network to train",
                     .object = std::make_shared<const Fields>(Architecture::fields())};
  Field fresh{.type = FieldType::object,
              .summary = "a fresh network",
              .object = std::make_shared<const Fields>(
                  Fields{.summary = "a fresh network", .fields = {architecture}})};
  const Field extent{
      .type = FieldType::integer, .summary = "pixels or channels", .minimum = 1, .maximum = 8192};
  const Field size{.name = "image",
                   .type = FieldType::list,
                   .summary = "height, width, channels of the images",
                   .minimum = 3,
                   .maximum = 3,
                   .element = std::make_shared<const Field>(extent)};
  Field none{
      .type = FieldType::object,
      .summary = "no network",
      .object = std::make_shared<const Fields>(Fields{
          .summary = "no network: images of a separation pair that are rebuilt and not classified",
          .fields = {size}})};
  return {.name = "model",
          .type = FieldType::string,
          .summary =
              "a checkpoint file, an architecture to train, or the size of images that no network "
              "looks at; only semwave link does without",
          .optional = true,
          .alternatives = {fresh, none}};
}

}  // namespace

Fields scenario_fields() {
  Field measured{
      .name = "metrics",
      .type = FieldType::list,
      .summary = "what is measured",
      .fallback = Json::array({"accuracy"}),
      .element = std::make_shared<const Field>(Field{
          .type = FieldType::choice, .summary = "a metric", .choices = names(metrics().list())})};
  Field channel = channels().field("channel");
  channel.summary = "fading and noise between the ends";
  return {
      .summary = "A semwave scenario",
      .fields = {
          {.name = "$schema",
           .type = FieldType::string,
           .summary = "for editors: where docs/scenario.schema.json is; changes nothing",
           .optional = true},
          {.name = "version",
           .type = FieldType::integer,
           .summary = "of this format: 1",
           .minimum = 1,
           .maximum = 1},
          text("name", "", "shown in results; empty: the file's name"),
          {.name = "seed",
           .type = FieldType::integer,
           .summary = "key of every random draw",
           .fallback = 1,
           .minimum = 0},
          source_field(),
          model_field(),
          transmitter_field(),
          channel,
          receiver_field(),
          object("conventions",
                 {choice("power", "image", {"image", "token", "symbol"},
                         "over what the mean power of symbols is 1"),
                  choice("snr", "complex", {"complex", "per_real_value"},
                         "per_real_value: power 1 per real value over noise N0/2 per real "
                         "dimension, as found in public code: 3.01 dB too optimistic"),
                  choice("fading", "complex", {"complex", "real"},
                         "real: a gain |h| without phase, as found in public code; for rayleigh")},
                 "definitions on which published results differ; a row names those that are not "
                 "the default"),
          device_model_field(),
          measured,
          timeline_field(),
          link_field(),
          train_field(),
          sweep_field(),
          object("stop",
                 {integer("min_images", 0, 0, 1e9, "never fewer images"),
                  integer("max_images", 0, 0, 1e9, "never more; 0: all of source.count"),
                  number("accuracy_halfwidth", 0, 0, 1,
                         "stop where half the accuracy interval is this small; 0: never early"),
                  integer("frame_errors", 100, 0, 1e9,
                          "semwave link: stop after so many; 0: never early"),
                  integer("max_frames", 1000000, 1, 4e9, "semwave link: never more")},
                 "how many images, or frames, a point takes"),
          object("output",
                 {boolean("records", false, "a line for each image and point in records.jsonl")},
                 "what is written beside the rows")}};
}

}  // namespace semwave
