#include <ttfm/plugin.h>
#include "pseudo_huber_loss.h"

TTFM_PLUGIN(plugin, "pseudo_huber", "0.1.0") {
  plugin.add<PseudoHuberLoss>("pseudo_huber", "initial/terminal velocity matching, robust with a schedule");
}
