"""The five posts: whose claims these are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Post:
    """A post: its number here, its title in English and as it stands there, who wrote it and when, and its subject.

    `author` and `date` are "" where the post does not give them.
    """

    number: str
    title: str
    original: str
    subject: str
    author: str = ""
    date: str = ""

    @property
    def heading(self) -> str:
        """The number, the titles, and who wrote it when.

        >>> POSTS["003"].heading
        'post 003: Image Classification (1) - LeNet-5, 2020-04-17'
        """
        original = f" ({self.original})" if self.original != self.title else ""
        return ", ".join(
            part for part in (f"post {self.number}: {self.title}{original}", self.author, self.date) if part
        )


POSTS = {
    post.number: post
    for post in (
        Post(
            "000",
            "[Udacity] Deep Learning (7) - The structure of CNNs, and LeNet-5",
            "[Udacity] Deep Learning (7) - CNN 구성과 LeNet-5",
            'A "LeNet-5" in Keras for 64×64 colour images: its output sizes and parameters, compared with one '
            "fully connected layer.",
            date="2021-07-05",
        ),
        Post(
            "001",
            "[Deep Learning] CNN",
            "[Deep Learning] CNN",
            "Convolution, padding, filters and pooling, after two text books, and a small network in Keras for 28×28 "
            "images.",
            date="2021-12-11",
        ),
        Post(
            "002",
            "Lecture 7. Convolutional Neural Network",
            "Lecture 7. Convolutaional Nerual Network",
            "Notes on lecture 7 of Stanford's course CS231n, as Song Gyo-seok (송교석) teaches it on YouTube: "
            "convolution, pooling, and the networks from LeNet-5 to ResNet and AlphaGo's.",
        ),
        Post(
            "003",
            "Image Classification (1) - LeNet-5",
            "Image Classification (1) - LeNet-5",
            "LeNet-5 of 1998, layer by layer, with the parameters of each layer.",
            date="2020-04-17",
        ),
        Post(
            "004",
            "[CNN algorithms] The structure of LeNet-5",
            "[CNN 알고리즘들] LeNet-5의 구조",
            "LeNet-5 of 1998, layer by layer, with the parameters of each layer and its RBF outputs.",
            author="bskyvision (심교훈)",
        ),
    )
}
"""Every post, by its number."""
