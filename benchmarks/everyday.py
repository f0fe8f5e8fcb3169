"""Everyday words and the captions that say them: the test of one-word queries of benchmarks/starter.py.

A photo shows a word if one of its captions has the word, one of its other forms, or a kind of it ("vehicle": a car, a
bus). Captions do not say everything that a photo shows, so the average precision of a perfect encoder is below 1, and
only the difference between two encoders on the same photos is of interest.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_IMAGES = 5  # of a word, for its figures to say something

# Each line a word, then what counts as it too; plurals are found anyway.
WORDS = """
person: man, men, woman, women, boy, girl, child, children, kid, baby, babies, lady, ladies, guy, player, skier,
  snowboarder, surfer, skateboarder, rider, people, crowd, family, bride, groom, chef, pedestrian, batter, pitcher,
  toddler
people: men, women, children, kids, boys, girls, persons, crowd, family, players, skiers, ladies, group of people,
  couple of people
man: men, guy, gentleman
woman: women, lady, ladies
child: children, kid, baby, babies, toddler, boy, girl
baby: babies, toddler, infant
boy
girl
crowd: audience, spectator
animal: dog, puppy, puppies, cat, kitten, horse, cow, cattle, sheep, lamb, goat, elephant, giraffe, zebra, bear,
  bird, duck, goose, geese, seagull, pigeon, parrot, owl, monkey, pony, ponies, calf, bull
dog: puppy, puppies
cat: kitten
horse: pony, ponies
cow: cattle, calf, bull
sheep: lamb
elephant
giraffe
zebra
bear
bird: duck, goose, geese, seagull, pigeon, parrot, owl, swan, pelican, peacock
vehicle: car, truck, bus, buses, van, taxi, cab, motorcycle, motorbike, scooter, moped, train, tractor, jeep
car: taxi, cab, suv, sedan
bus: buses
truck: pickup
train: locomotive
boat: ship, canoe, sailboat, kayak
airplane: plane, jet, aircraft, airliner
motorcycle: motorbike, moped, scooter
bicycle: bike
food: pizza, sandwich, sandwiches, burger, hamburger, cake, bread, broccoli, carrot, vegetable, veggies, fruit,
  banana, apple, salad, soup, meat, cheese, donut, doughnut, rice, pasta, meal, lunch, dinner, breakfast, dessert,
  hot dog, fries, noodle
pizza
cake: cupcake
sandwich: sandwiches, burger, hamburger
fruit: banana, apple, strawberry, strawberries, grape, pear
vegetable: broccoli, carrot, veggie, cauliflower, lettuce, tomato, tomatoes, potato, potatoes, onion
banana
broccoli
drink: coffee, wine, beer, beverage, juice, milk
meal: lunch, dinner, breakfast
furniture: chair, table, desk, couch, sofa, bed, bench, benches, cabinet, dresser, shelf, shelves, stool
chair: stool
table: desk
bed
couch: sofa
bench: benches
kitchen
bathroom: restroom
bedroom
living room
toilet: urinal
sink
refrigerator: fridge
oven: stove
mirror
window
clock
computer: laptop, monitor, pc
laptop
keyboard
phone: cellphone, smartphone, telephone
television: tv
book
umbrella
bag: luggage, suitcase, backpack, purse
bottle
cup: mug
bowl
plate: platter
flower: rose, bouquet
tree
grass: grassy, lawn
snow: snowy
beach: shore
sea: ocean
water: lake, river, ocean, sea, pond
mountain: hill
sky
street: road
building: house, skyscraper, tower
city: downtown
sign
traffic light: stoplight, stop light, traffic signal
sport: tennis, baseball, soccer, football, basketball, skiing, snowboarding, surfing, skateboarding, frisbee, skate
  boarding, skis, skateboard, surfboard, snowboard
tennis
baseball
soccer
skateboard: skateboarding, skateboarder, skate boarding
surfing: surfboard, surfer, surf
skiing: ski, skis, skier
kite
frisbee: frisbie, frisby
ball
toy: teddy, stuffed animal, doll
"""


def everyday_queries() -> dict[str, re.Pattern[str]]:
    """Each word, and what finds it in a caption in lower case."""
    queries = {}
    for line in WORDS.replace("\n  ", " ").strip().splitlines():
        word, _, others = line.partition(": ")
        forms = [word, *(form.strip() for form in others.split(",") if form.strip())]
        queries[word] = re.compile(rf"\b(?:{'|'.join(map(re.escape, forms))})(?:s|es)?\b")
    return queries


def shown(captions: Sequence[Sequence[str]]) -> dict[str, NDArray[np.bool_]]:
    """Of each word, which images [N] show it by their captions."""
    low = [" | ".join(of).lower() for of in captions]
    return {word: np.array([bool(form.search(text)) for text in low]) for word, form in everyday_queries().items()}


def average_precision(scores: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """The mean over relevant images of the precision down to their rank; ties in the order given."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    found = ranked.cumsum()[ranked]
    return float((found / (np.flatnonzero(ranked) + 1)).mean())
