"""A multilayer perceptron twice: by hand in NumPy, and in PyTorch. Given the same weights they agree to rounding.

A layer reads H (n, fan_in) and gives A = φ(H W + b) with W (fan_in, fan_out) and b (fan_out,); the last layer has
no φ, and its sums Z (n, K) are logits. The loss is the mean over samples of logsumexp(z) - z[y], the cross-entropy
of a softmax. Choices that differ from the textbook:

- Softmax and logarithm are one step. Alone, the softmax of far-apart logits rounds to 0, whose logarithm is minus
  infinity; together they are exact at logits of 10,000, and the gradient is softmax(z) - onehot(y), nothing more.
- An optimizer is a value beside the network: ``step`` takes parameters and gradients and gives new parameters.
- Initial weights have variance gain² / fan_in, with gain² = 2 for ReLU and GELU, which drop about half of what they
  read, and 1 for tanh. So sums keep their scale through any depth.

References
----------
Rumelhart, D. E., Hinton, G. E., Williams, R. J. (1986). Learning representations by back-propagating errors.
He, K., Zhang, X., Ren, S., Sun, J. (2015). Delving deep into rectifiers. ICCV.
Kingma, D. P., Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
Loshchilov, I., Hutter, F. (2019). Decoupled weight decay regularization. ICLR.
Hendrycks, D., Gimpel, K. (2016). Gaussian error linear units. arXiv:1606.08415.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn
from torch.nn import functional

from mltoolkit.deep._mlp_faults import (
    at_least_zero,
    below_one,
    check_gradients,
    is_count,
    layer_faults,
    rate_faults,
    refuse,
    width_faults,
)
from mltoolkit.errors import BadInput, NotConverged

Array = NDArray[np.float64]


class NumpySGD:
    """Stochastic gradient descent with momentum, step for step as ``torch.optim.SGD``.

    With g = gradient + weight_decay · θ, the velocity is v ← momentum · v + g (v = g at the first step), and
    θ ← θ - learning_rate · v.

    Parameters
    ----------
    learning_rate : float, default 0.1
        At least 0.
    momentum : float, default 0.0
        From 0 to below 1: how much of the last velocity is kept.
    weight_decay : float, default 0.0
        At least 0: the factor of the L2 penalty's gradient. It reaches every parameter, biases too.

    Raises
    ------
    ValueError
        When a number is out of its range (all of them at once); from ``step`` when parameters and gradients differ
        in number or shape.

    Examples
    --------
    >>> optimizer = NumpySGD(0.5, momentum=0.9)
    >>> optimizer.step([np.array([1.0])], [np.array([2.0])])
    [array([0.])]
    >>> optimizer.step([np.array([0.0])], [np.array([0.0])])  # the velocity carries on
    [array([-0.9])]
    """

    def __init__(self, learning_rate: float = 0.1, *, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        refuse("NumpySGD", rate_faults(learning_rate, weight_decay) + below_one("momentum", momentum))
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self._velocity: list[Array] | None = None

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> list[Array]:
        """One step.

        Parameters
        ----------
        parameters, gradients : sequence of ndarray
            One gradient a parameter, of the same shape; at every call the same parameters in the same order.

        Returns
        -------
        list of ndarray
            The parameters after the step.
        """
        check_gradients("NumpySGD", parameters, gradients, self._velocity)
        pulls = [g + self.weight_decay * p for p, g in zip(parameters, gradients, strict=True)]
        if self._velocity is not None:
            pulls = [self.momentum * v + g for v, g in zip(self._velocity, pulls, strict=True)]
        self._velocity = pulls
        return [p - self.learning_rate * v for p, v in zip(parameters, pulls, strict=True)]


class NumpyAdam:
    """Adam and AdamW, step for step as ``torch.optim.Adam`` and ``torch.optim.AdamW``.

    At step t, with means m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g², both begun at 0, the corrected means are
    m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ), and θ ← θ - learning_rate · m̂ / (√v̂ + eps).

    Parameters
    ----------
    learning_rate : float, default 0.001
        At least 0. About the length of a step in each coordinate, whatever the gradient's scale.
    betas : (float, float), default (0.9, 0.999)
        β₁ and β₂, each from 0 to below 1.
    eps : float, default 1e-8
        At least 0; added to the root, so that a gradient of 0 divides by something.
    weight_decay : float, default 0.0
        At least 0. It reaches every parameter, biases too.
    decoupled : bool, default True
        True is AdamW: θ shrinks by learning_rate · weight_decay · θ before the step, beside the means. False is Adam
        with an L2 penalty: weight_decay · θ is added to the gradient and divided by √v̂ like the rest of it.

    Raises
    ------
    ValueError
        When a number is out of its range (all of them at once); from ``step`` when parameters and gradients differ
        in number or shape.

    Examples
    --------
    >>> optimizer = NumpyAdam(0.1)
    >>> [p.round(6) for p in optimizer.step([np.array([1.0, 1.0])], [np.array([5.0, -0.001])])]
    [array([0.9, 1.1])]
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = True,
    ) -> None:
        faults = rate_faults(learning_rate, weight_decay)
        faults += [fault for i in (0, 1) for fault in below_one(f"betas[{i}]", betas[i])]
        refuse("NumpyAdam", faults + at_least_zero("eps", eps))
        self.learning_rate = learning_rate
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        self.decoupled = decoupled
        self._steps = 0
        self._means: list[Array] | None = None
        self._squares: list[Array] = []

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> list[Array]:
        """One step.

        Parameters
        ----------
        parameters, gradients : sequence of ndarray
            One gradient a parameter, of the same shape; at every call the same parameters in the same order.

        Returns
        -------
        list of ndarray
            The parameters after the step.
        """
        check_gradients("NumpyAdam", parameters, gradients, self._means)
        if self._means is None:
            self._means = [np.zeros_like(p) for p in parameters]
            self._squares = [np.zeros_like(p) for p in parameters]
        first, second = self.betas
        self._steps += 1
        if self.decoupled:
            parameters = [(1.0 - self.learning_rate * self.weight_decay) * p for p in parameters]
        else:
            gradients = [g + self.weight_decay * p for p, g in zip(parameters, gradients, strict=True)]
        self._means = [first * m + (1.0 - first) * g for m, g in zip(self._means, gradients, strict=True)]
        self._squares = [second * v + (1.0 - second) * g * g for v, g in zip(self._squares, gradients, strict=True)]
        # Both means began at 0 and are too small by these factors at first.
        rate, root = self.learning_rate / (1.0 - first**self._steps), math.sqrt(1.0 - second**self._steps)
        return [
            p - rate * m / (np.sqrt(v) / root + self.eps)
            for p, m, v in zip(parameters, self._means, self._squares, strict=True)
        ]


class NumpyMLP(ClassifierMixin, BaseEstimator):
    """A multilayer perceptron for classification, with its gradients by hand. All of it is float64.

    Parameters
    ----------
    hidden : sequence of int, default (100,)
        Width of each hidden layer; empty for logistic regression.
    activation : {"relu", "tanh", "gelu"}, default "relu"
        φ of the hidden layers. The slope of ReLU at 0 is 0; GELU is the exact one, x Φ(x).
    optimizer : {"adam", "sgd"}, default "adam"
        ``NumpyAdam`` (decoupled) or ``NumpySGD``.
    learning_rate : float, default 0.001
        At least 0.
    momentum : float, default 0.9
        From 0 to below 1; *sgd* alone uses it.
    weight_decay : float, default 0.0
        At least 0, as the optimizer takes it.
    batch_size : int, default 32
        Samples in a step, at least 1. The last batch of an epoch may be smaller.
    epochs : int, default 50
        Times that ``fit`` goes through the data, at least 1.
    random_state : int, numpy.random.Generator or None, default None
        Draws the initial weights, then the order of samples, anew in every epoch. A generator is used up as it goes.

    Attributes
    ----------
    weights_ : list of ndarray of shape (fan_in, fan_out)
        One a layer, from the input on.
    biases_ : list of ndarray of shape (fan_out,)
    classes_ : ndarray of shape (K,)
        The classes, sorted.
    loss_curve_ : list of float
        Mean loss of each epoch over its samples, each at the weights that its batch met.
    n_features_in_ : int
        d, the number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, where X had any.

    Raises
    ------
    ValueError
        From ``fit``: X holds NaN or infinity, y has fewer than two classes, or parameters are out of their range (all
        of these at once). From the others: another number of columns, a class that is not known.
    NotConverged
        From ``fit`` and ``partial_fit``, when the loss is no longer finite: the learning rate is too high.

    Examples
    --------
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array(["no", "yes", "yes", "no"])
    >>> model = NumpyMLP((8,), learning_rate=0.05, epochs=200, random_state=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    def __init__(
        self,
        hidden: Sequence[int] = (100,),
        *,
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        batch_size: int = 32,
        epochs: int = 50,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> NumpyMLP:
        """Learn from new initial weights.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Finite numbers, best of scale 1.
        y : array-like of shape (n,)
            Classes: numbers or texts, at least two different ones.

        Returns
        -------
        NumpyMLP
            The estimator itself.
        """
        self._check_parameters()
        data, target = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(target)
        classes, codes = np.unique(target, return_inverse=True)
        self._begin(data.shape[1], classes)
        for _ in range(self.epochs):
            self._epoch(data, codes)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> NumpyMLP:
        """Go through the data once, from the weights and the optimizer's state as they are.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
        classes : array-like of shape (K,), optional
            At the first call all classes that may come; by default those of y.

        Returns
        -------
        NumpyMLP
            The estimator itself.
        """
        self._check_parameters()
        first = not hasattr(self, "weights_")
        data, target = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(target)
        if first:
            self._begin(data.shape[1], np.unique(target if classes is None else np.asarray(classes)))
        self._epoch(data, self._codes(target))
        return self

    def initialize(self, n_features: int, n_classes: int, rng: np.random.Generator) -> NumpyMLP:
        """Draw initial weights; the classes are then 0 to K - 1.

        Parameters
        ----------
        n_features, n_classes : int
            d and K.
        rng : numpy.random.Generator

        Returns
        -------
        NumpyMLP
            The estimator itself. Weights are normal with mean 0 and variance gain² / fan_in, in the last layer too;
            biases are 0.
        """
        self._check_parameters()
        sizes = [n_features, *self.hidden, n_classes]
        gain = _GAINS[self.activation]
        weights = [rng.normal(0.0, gain / math.sqrt(a), (a, b)) for a, b in pairwise(sizes)]
        return self.set_weights(weights, [np.zeros(b) for b in sizes[1:]])

    def set_weights(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> NumpyMLP:
        """Take over weights; the optimizer begins anew, and the classes are 0 to K - 1.

        Parameters
        ----------
        weights : sequence of array-like of shape (fan_in, fan_out)
            One a layer, from the input on; widths as in ``hidden``.
        biases : sequence of array-like of shape (fan_out,)

        Returns
        -------
        NumpyMLP
            The estimator itself.

        Raises
        ------
        ValueError
            When the layers are not as many, or do not fit each other or ``hidden``.
        """
        self._check_parameters()
        arrays = [np.array(w, dtype=np.float64) for w in weights], [np.array(b, dtype=np.float64) for b in biases]
        shapes = [w.shape for w in arrays[0]], [b.shape for b in arrays[1]]
        refuse("NumpyMLP.set_weights", layer_faults(*shapes, self.hidden))
        self.weights_, self.biases_ = arrays
        self.n_features_in_ = int(self.weights_[0].shape[0])
        self.classes_ = np.arange(len(self.biases_[-1]))
        self.loss_curve_: list[float] = []
        self._rng = np.random.default_rng(self.random_state)
        self._optimizer: NumpyAdam | NumpySGD = (
            NumpyAdam(self.learning_rate, weight_decay=self.weight_decay)
            if self.optimizer == "adam"
            else NumpySGD(self.learning_rate, momentum=self.momentum, weight_decay=self.weight_decay)
        )
        return self

    def forward(self, X: ArrayLike) -> Array:
        """Logits.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, K)
            One column a class, in the order of ``classes_``.
        """
        check_is_fitted(self, "weights_")
        data = validate_data(self, X, dtype=np.float64, reset=False)
        return self._forward(data)[1][-1]

    def loss_and_gradients(self, X: ArrayLike, y: ArrayLike) -> tuple[float, list[Array], list[Array]]:
        """The mean cross-entropy and its derivatives by every weight and bias, by backpropagation.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
            Members of ``classes_``.

        Returns
        -------
        loss : float
        weight_gradients : list of ndarray
            Shaped as ``weights_``.
        bias_gradients : list of ndarray
            Shaped as ``biases_``.
        """
        check_is_fitted(self, "weights_")
        data, target = validate_data(self, X, y, dtype=np.float64, reset=False)
        return self._loss_and_gradients(data, self._codes(target))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n, K)
            One column a class, in the order of ``classes_``; rows add up to 1.
        """
        return np.asarray(softmax(self.forward(X), axis=1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row; of equals, the first.

        Parameters
        ----------
        X : array-like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        codes = np.argmax(self.forward(X), axis=1)
        found: NDArray[Any] = self.classes_[codes]
        return found

    def _begin(self, n_features: int, classes: NDArray[Any]) -> None:
        """Initial weights for these classes, and the generator that goes on to draw the order of samples."""
        if len(classes) < 2:
            raise BadInput(f"NumpyMLP: y has one class; expected at least two: it contains only {classes[0]}")
        rng = np.random.default_rng(self.random_state)
        self.initialize(n_features, len(classes), rng)
        self.classes_, self._rng = classes, rng

    def _epoch(self, X: Array, codes: NDArray[np.intp]) -> None:
        """A step for each batch of a random order; the epoch's mean loss goes to ``loss_curve_``."""
        order, total, layers = self._rng.permutation(len(X)), 0.0, len(self.weights_)
        with np.errstate(all="ignore"):  # told below, in words
            for first in range(0, len(X), self.batch_size):
                rows = order[first : first + self.batch_size]
                loss, by_weights, by_biases = self._loss_and_gradients(X[rows], codes[rows])
                moved = self._optimizer.step([*self.weights_, *self.biases_], [*by_weights, *by_biases])
                self.weights_, self.biases_ = moved[:layers], moved[layers:]
                total += loss * len(rows)
        self.loss_curve_.append(total / len(X))
        if not math.isfinite(total):
            raise NotConverged(
                f"NumpyMLP: the loss is no longer finite in epoch {len(self.loss_curve_)}; lower learning_rate "
                f"({self.learning_rate:g}) or scale the columns of X"
            )

    def _forward(self, X: Array) -> tuple[list[Array], list[Array]]:
        """What each layer reads, (n, fan_in), and its sums before φ, (n, fan_out)."""
        activation = _ACTIVATIONS[self.activation]
        inputs, sums = [X], [X @ self.weights_[0] + self.biases_[0]]
        for W, b in zip(self.weights_[1:], self.biases_[1:], strict=True):
            inputs.append(activation(sums[-1]))
            sums.append(inputs[-1] @ W + b)
        return inputs, sums

    def _loss_and_gradients(self, X: Array, codes: NDArray[np.intp]) -> tuple[float, list[Array], list[Array]]:
        inputs, sums = self._forward(X)
        rows = np.arange(len(X))
        loss = float(np.mean(logsumexp(sums[-1], axis=1) - sums[-1][rows, codes]))
        errors = np.asarray(softmax(sums[-1], axis=1))
        errors[rows, codes] -= 1.0
        return loss, *self._backward(inputs, sums, errors / len(X))

    def _backward(self, inputs: list[Array], sums: list[Array], errors: Array) -> tuple[list[Array], list[Array]]:
        """Gradients by the weights and by the biases, from the loss's derivative by the last sums, (n, K)."""
        slope = _SLOPES[self.activation]
        by_weights, by_biases = [], []
        for layer in range(len(sums) - 1, -1, -1):
            by_weights.append(inputs[layer].T @ errors)
            by_biases.append(errors.sum(axis=0))
            if layer:
                errors = errors @ self.weights_[layer].T * slope(sums[layer - 1])
        return by_weights[::-1], by_biases[::-1]

    def _codes(self, target: NDArray[Any]) -> NDArray[np.intp]:
        """Index of each label in ``classes_``."""
        unknown = np.setdiff1d(target, self.classes_)
        if len(unknown):
            raise BadInput(f"NumpyMLP: y holds {unknown[:3].tolist()}; expected members of classes_ alone: "
                           f"{self.classes_[:10].tolist()}")  # fmt: skip
        return np.searchsorted(self.classes_, target)

    def _check_parameters(self) -> None:
        faults = width_faults(self.hidden) + rate_faults(self.learning_rate, self.weight_decay)
        faults += below_one("momentum", self.momentum)
        if self.activation not in _ACTIVATIONS:
            faults.append(f"activation={self.activation!r} is none of {', '.join(_ACTIVATIONS)}")
        if self.optimizer not in ("adam", "sgd"):
            faults.append(f"optimizer={self.optimizer!r} is none of adam, sgd")
        for name in ("batch_size", "epochs"):
            if not is_count(getattr(self, name)):
                faults.append(f"{name}={getattr(self, name)!r} is not an int of at least 1")
        refuse("NumpyMLP", faults)


class MLP(nn.Module):
    """The same network in PyTorch.

    Parameters
    ----------
    n_features : int
        d, at least 1.
    hidden : sequence of int
        Width of each hidden layer; may be empty.
    n_classes : int
        K, at least 1.
    activation : {"relu", "tanh", "gelu"}, default "relu"
    generator : torch.Generator, optional
        Draws the initial weights, by the law of ``NumpyMLP.initialize``; PyTorch's global generator by default, which
        is left alone otherwise.
    dtype : torch.dtype, optional
        Of the weights; PyTorch's default, float32, unless given.

    Attributes
    ----------
    layers : torch.nn.ModuleList of torch.nn.Linear
        Weights are (fan_out, fan_in) here, the transpose of NumPy's.

    Raises
    ------
    ValueError
        When a width or the activation is out of its range (all of them at once).

    Examples
    --------
    >>> model = MLP(4, (8,), 3, generator=torch.Generator().manual_seed(0))
    >>> model(torch.zeros(2, 4))
    tensor([[0., 0., 0.],
            [0., 0., 0.]], grad_fn=<AddmmBackward0>)
    """

    def __init__(
        self,
        n_features: int,
        hidden: Sequence[int],
        n_classes: int,
        *,
        activation: str = "relu",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        faults = width_faults(hidden)
        for name, value in (("n_features", n_features), ("n_classes", n_classes)):
            if not is_count(value):
                faults.append(f"{name}={value!r} is not an int of at least 1")
        if activation not in _MODULES:
            faults.append(f"activation={activation!r} is none of {', '.join(_MODULES)}")
        refuse("MLP", faults)
        self.activation = activation
        sizes = [n_features, *hidden, n_classes]
        self.layers = nn.ModuleList(_bare_linear(a, b, dtype) for a, b in pairwise(sizes))
        for layer in self._linears:
            spread = _GAINS[activation] / math.sqrt(layer.in_features)
            nn.init.normal_(layer.weight, 0.0, spread, generator=generator)
            nn.init.zeros_(layer.bias)

    @property
    def _linears(self) -> list[nn.Linear]:
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def forward(self, x: Tensor) -> Tensor:
        """Logits.

        Parameters
        ----------
        x : Tensor of shape (B, d), or (B, ...) with d numbers a sample
            Pictures are read row by row.

        Returns
        -------
        Tensor of shape (B, K)
        """
        activation, h = _MODULES[self.activation], x.flatten(1)
        for layer in self.layers[:-1]:
            h = activation(layer(h))
        logits: Tensor = self.layers[-1](h)
        return logits

    def set_weights(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike]) -> MLP:
        """Take over the weights of a ``NumpyMLP``.

        Parameters
        ----------
        weights : sequence of array-like of shape (fan_in, fan_out)
            NumPy's way round; rounded to the network's own type.
        biases : sequence of array-like of shape (fan_out,)

        Returns
        -------
        MLP
            The network itself.

        Raises
        ------
        ValueError
            When the layers are not as many, or a shape is another.
        """
        arrays = [np.asarray(w) for w in weights], [np.asarray(b) for b in biases]
        shapes = [w.shape for w in arrays[0]], [b.shape for b in arrays[1]]
        ours = [tuple(layer.weight.shape[::-1]) for layer in self._linears]
        if shapes != (ours, [shape[1:] for shape in ours]):
            raise BadInput(f"MLP.set_weights: expected weights of shapes {ours} and a bias for "
                           f"each column, got {shapes[0]} and {shapes[1]}")  # fmt: skip
        with torch.no_grad():
            for layer, W, b in zip(self._linears, *arrays, strict=True):
                layer.weight.copy_(torch.tensor(W.T))
                layer.bias.copy_(torch.tensor(b))
        return self

    def loss_and_gradients(self, x: Tensor, y: Tensor) -> tuple[float, list[Tensor], list[Tensor]]:
        """What ``NumpyMLP.loss_and_gradients`` gives, by automatic differentiation.

        Parameters
        ----------
        x : Tensor of shape (B, d)
        y : Tensor of shape (B,), int64
            Classes from 0 to K - 1.

        Returns
        -------
        loss : float
        weight_gradients : list of Tensor of shape (fan_in, fan_out)
            NumPy's way round.
        bias_gradients : list of Tensor of shape (fan_out,)
        """
        loss = functional.cross_entropy(self(x), y)
        wanted = [layer.weight for layer in self._linears] + [layer.bias for layer in self._linears]
        found = torch.autograd.grad(loss, wanted)
        half = len(self.layers)
        return float(loss.detach()), [g.T.contiguous() for g in found[:half]], list(found[half:])


def _bare_linear(fan_in: int, fan_out: int, dtype: torch.dtype | None) -> nn.Linear:
    """A layer without values: left to itself it would draw some, from the global generator."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out, dtype=dtype)  # type: ignore[no-untyped-call]
    return layer


def _relu(Z: Array) -> Array:
    return np.maximum(Z, 0.0)


def _relu_slope(Z: Array) -> Array:
    return (Z > 0.0).astype(np.float64)


def _tanh_slope(Z: Array) -> Array:
    return 1.0 - np.tanh(Z) ** 2


def _gelu(Z: Array) -> Array:
    return np.asarray(0.5 * Z * (1.0 + erf(Z / math.sqrt(2.0))))


def _gelu_slope(Z: Array) -> Array:
    """Φ(z) + z φ(z)."""
    density = np.exp(-0.5 * np.minimum(Z * Z, 1e3)) / math.sqrt(2.0 * math.pi)  # 0 long before 1e3
    return np.asarray(0.5 * (1.0 + erf(Z / math.sqrt(2.0))) + Z * density)


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"relu": _relu, "tanh": np.tanh, "gelu": _gelu}
_SLOPES: dict[str, Callable[[Array], Array]] = {"relu": _relu_slope, "tanh": _tanh_slope, "gelu": _gelu_slope}
_MODULES: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu, "tanh": torch.tanh, "gelu": functional.gelu,
}  # fmt: skip
_GAINS = {"relu": math.sqrt(2.0), "tanh": 1.0, "gelu": math.sqrt(2.0)}
