"""What nbval needs to know before it executes the notebooks: `make test` runs it strictly."""

import os
from typing import Any

from nbval.plugin import IPyNbCell

# Set here, at import: kernels inherit it.
os.environ |= {
    "SENSORKIT_QUIET": "1",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    # The kernel of this environment, not one that the user's home offers under the same name.
    "JUPYTER_PREFER_ENV_PATH": "1",
}

# nbval waits 5 s for each output and has no option for it; a busy machine needs longer.
OUTPUT_TIMEOUT_S = 60

_init = IPyNbCell.__init__


def _patient(self: Any, *args: Any, **options: Any) -> None:
    _init(self, *args, **options)
    self.output_timeout = OUTPUT_TIMEOUT_S


IPyNbCell.__init__ = _patient
