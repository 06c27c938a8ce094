"""How vectors travel between stages. Apart from the other contracts, so that what only names
documents, such as a client of the service, does not load numpy."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(n, dim) float32, rows L2-normalised; n texts, dim the size of an embedding."""
