/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slots of a field: a treap in the order of the elements.
 */
#include "crdt/state_parts.h"

struct holm_slot *holm_field_slot(const struct holm_field *field, struct holm_bytes sub)
{
    struct holm_slot *slot = field->root;
    while (slot != NULL) {
        int order = holm_bytes_compare(sub, holm_slot_sub(slot));
        if (order == 0)
            return slot;
        slot = order < 0 ? slot->left : slot->right;
    }
    return NULL;
}

struct holm_slot *holm_field_first(const struct holm_field *field)
{
    struct holm_slot *slot = field->root;
    while (slot != NULL && slot->left != NULL)
        slot = slot->left;
    return slot;
}

struct holm_slot *holm_slot_next(const struct holm_slot *slot)
{
    if (slot->right != NULL) {
        struct holm_slot *next = slot->right;
        while (next->left != NULL)
            next = next->left;
        return next;
    }
    while (slot->parent != NULL && slot->parent->right == slot)
        slot = slot->parent;
    return slot->parent;
}

struct holm_slot *holm_field_behind(const struct holm_field *field, struct holm_bytes sub)
{
    struct holm_slot *behind = NULL;
    struct holm_slot *slot = field->root;
    while (slot != NULL) {
        bool greater = holm_bytes_compare(holm_slot_sub(slot), sub) > 0;
        if (greater)
            behind = slot;
        slot = greater ? slot->left : slot->right;
    }
    return behind;
}

/* Puts `child` where `slot` hung. */
static void replace_child(struct holm_slot *slot, struct holm_slot *child)
{
    struct holm_slot *parent = slot->parent;
    if (parent == NULL)
        slot->field->root = child;
    else if (parent->left == slot)
        parent->left = child;
    else
        parent->right = child;
    if (child != NULL)
        child->parent = parent;
}

/* Turns the edge between a slot and its parent, so that the slot comes above. */
static void rotate_up(struct holm_slot *slot)
{
    struct holm_slot *parent = slot->parent;
    replace_child(parent, slot);
    if (parent->left == slot) {
        parent->left = slot->right;
        if (slot->right != NULL)
            slot->right->parent = parent;
        slot->right = parent;
    } else {
        parent->right = slot->left;
        if (slot->left != NULL)
            slot->left->parent = parent;
        slot->left = parent;
    }
    parent->parent = slot;
}

void holm_slot_insert(struct holm_field *field, struct holm_slot *slot)
{
    struct holm_slot *parent = NULL;
    struct holm_slot **link = &field->root;
    while (*link != NULL) {
        parent = *link;
        int order = holm_bytes_compare(holm_slot_sub(slot), holm_slot_sub(parent));
        HOLM_ASSERT(order != 0);
        link = order < 0 ? &parent->left : &parent->right;
    }
    *link = slot;
    slot->parent = parent;
    while (slot->parent != NULL && slot->parent->priority < slot->priority)
        rotate_up(slot);
}

void holm_slot_remove(struct holm_slot *slot)
{
    while (slot->left != NULL && slot->right != NULL)
        rotate_up(slot->left->priority > slot->right->priority ? slot->left : slot->right);
    replace_child(slot, slot->left != NULL ? slot->left : slot->right);
}

struct holm_count_entry *holm_slot_entry(const struct holm_slot *slot, uint32_t actor)
{
    struct holm_count_entry *entry = slot->entries;
    while (entry != NULL && entry->actor < actor)
        entry = entry->next;
    return entry != NULL && entry->actor == actor ? entry : NULL;
}
