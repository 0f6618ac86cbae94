"""Networks and their training: layers by hand, one trainer for the year, checkpoints that survive. Needs PyTorch."""

import lazy_loader

from mltoolkit.errors import naming_the_extra

_attached, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batches": ["Batches", "Windows"],
        "charmodel": ["CharModel", "as_streams"],
        "cnn": [
            "EarlyStopping",
            "conv2d",
            "cutout",
            "label_smoothing_loss",
            "max_pool2d",
            "random_crop",
            "random_flip",
        ],
        "convnet": ["ConvNet"],
        "history": ["History", "Record"],
        "mlp": ["MLP", "NumpyAdam", "NumpyMLP", "NumpySGD"],
        "ngrams": ["NGram"],
        "processes": ["ProcessLost"],
        "profiling": ["Operator", "Profile", "profile_training"],
        "recurrent": ["GRU", "LSTM", "RNN"],
        "rnn": ["GRUCell", "LSTMCell", "RNNCell", "clip_grad_norm", "truncated_bptt"],
        "scale": ["Checkpoint", "accumulate", "autocast"],
        "schedules": ["warmup_cosine"],
        "threads": ["torch_threads"],
        "trainer": ["Trainer"],
    },
)
__getattr__ = naming_the_extra(_attached, "deep", "torch", "safetensors")
