"""What is likely to come (威胁预测): alerts of the next day, and the next stage of an attack.

Always beside what a simpler guess would have said of the past, and hidden where it was no better.
"""
