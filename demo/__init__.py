"""The server side of the swapper: numpy, cv2 and ONNX Runtime. It never imports torch or models."""

import os

# Wheels of ONNX Runtime from 1.29 on report home unless this stands before the first import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
