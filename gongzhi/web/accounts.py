"""How accounts come about and who acts: staff get accounts from the administration, nobody signs up alone."""

from __future__ import annotations

from typing import Final

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from gongzhi.errors import NotAllowed
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Post
from gongzhi.web.clients import address_of

POST_KEY: Final = "desk.post"
"""Where the session keeps the post that somebody with several posts has chosen."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """By whom failed sign-ins are counted: behind a proxy of ours not by the proxy's address."""
        return address_of(request)


def posts_of(request: HttpRequest) -> list[Post]:
    """The active posts of whoever is signed in, the chosen one first; asked once a request."""
    known: list[Post] | None = getattr(request, "_posts", None)
    if known is None:
        known = []
        if request.user.is_authenticated:
            chosen = request.session.get(POST_KEY)
            held = Post.objects.filter(person=request.user, is_active=True, organisation__is_active=True)
            known = sorted(held, key=lambda post: (post.pk != chosen, post.pk))
        request._posts = known  # type: ignore[attr-defined]
    return known


def choose_post(request: HttpRequest, post_id: int) -> Post:
    """Act in another of one's posts from now on.

    Raises:
        NotAllowed: the post is not held by whoever is signed in.
    """
    post = next((p for p in posts_of(request) if p.pk == post_id), None)
    if post is None:
        raise NotAllowed()
    request.session[POST_KEY] = post.pk
    del request._posts  # type: ignore[attr-defined]
    return post


def actor_of(request: HttpRequest) -> Actor:
    """Who acts in this request: a member of staff in a post, or nobody known."""
    if not request.user.is_authenticated:
        return authority.ANONYMOUS
    known: Actor | None = getattr(request, "_actor", None)
    if known is None:
        posts = posts_of(request)
        if posts:
            known = authority.actor_of(request.user, posts[0])
        else:
            known = Actor(kind="person", person_id=request.user.pk)
        request._actor = known  # type: ignore[attr-defined]
    return known
